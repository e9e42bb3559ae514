"""A JSON schema of somebody else's as a grammar of ours: every string, number and array bounded, members in the order
of the schema, separators fixed. What it cannot express is refused by name; nothing is silently left out.

The library's own converter ignores bounds and patterns it does not know, and kills the process with some it does.
"""

from __future__ import annotations

import json
import math
from typing import Any

from maw_remote.engine.shape import digits
from maw_remote.engine.shape.gbnf import Rules, literal, repeat

Json = dict[str, Any]

STRING_MAX = 2000  # characters of a string; a schema may ask for less
ARRAY_MAX = 64  # entries of an array, likewise
DIGITS = 15  # of a number before its point, and after: what a double holds
DEPTH_MAX = 16
RULES_MAX = 4000
_ANY_DEPTH = 3  # of a value that the schema does not describe
_ANY_MAX = 16  # its entries
_ANNOTATIONS = {
    "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
    "readOnly", "writeOnly",
}  # fmt: skip
_WORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems", "prefixItems"},
    "string": {"minLength", "maxLength", "format"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": set(),
    "boolean": set(),
    "null": set(),
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_CHAR = r'[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]'
# Every date it makes exists: February has 28 days here.
_DAYS = '("0" [1-9] | "1" [0-9] | "2" [0-8])'
_DATE = (
    f'[0-9]{{4}} "-" (("0" [1-9] | "1" [0-2]) "-" {_DAYS} | ("0" [13-9] | "1" [0-2]) "-" ("29" | "30")'
    ' | ("0" [13578] | "1" [02]) "-31")'
)
_TIME = '("0" [0-9] | "1" [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("Z" | [+\\x2D] "0" [0-9] ":" [0-5] [0-9])'
_FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": '[0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12}',
}


class Unsupported(ValueError):
    """The schema asks for something that no grammar here expresses. `path`: where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


def build(schema: Json, path: str = "schema") -> str:
    """The grammar of the schema's values. Raises Unsupported."""
    made = _Grammar(schema, path)
    return made.rules.text(made.value(schema, path, 0))


def anything(path: str = "response_format") -> str:
    """The grammar of JSON objects of any content, as deep and as long as is sensible."""
    made = _Grammar({}, path)
    return made.rules.text(made.any_object(_ANY_DEPTH))


class _Grammar:
    def __init__(self, root: Json, path: str) -> None:
        self.rules = Rules()
        self._root, self._path = root, path
        self._references: dict[str, str | None] = {}  # None: on its way

    def value(self, schema: Any, path: str, depth: int) -> str:
        """The name of a schema's rule."""
        if not isinstance(schema, dict):
            if schema is True:
                return self.any_value(_ANY_DEPTH)
            raise Unsupported(path, "not an object with a schema's words")
        if depth > DEPTH_MAX:
            raise Unsupported(path, f"nested deeper than {DEPTH_MAX}")
        if len(self.rules) > RULES_MAX:
            raise Unsupported(path, "the schema is too large")
        return self.rules.name(self._body(schema, path, depth))

    def _body(self, schema: Json, path: str, depth: int) -> str:
        words = set(schema) - _ANNOTATIONS
        for word in ("$ref", "const", "enum", "anyOf", "oneOf", "allOf"):
            if word in words:
                beside = words - {word, *({"type"} if word in ("const", "enum") else ())}
                if beside:
                    raise Unsupported(f"{path}.{sorted(beside)[0]}", f"cannot be held together with {word}")
                return self._combined(word, schema, path, depth)
        return self._typed(schema, words, path, depth)

    def _combined(self, word: str, schema: Json, path: str, depth: int) -> str:
        path = f"{path}.{word}"
        if word == "$ref":
            return self._reference(schema[word], path, depth)
        if word in ("const", "enum"):
            return self._enum([schema[word]] if word == "const" else schema[word], schema.get("type"), path)
        parts = schema[word]
        if not isinstance(parts, list) or not parts:
            raise Unsupported(path, "not a list of schemas")
        if word == "allOf" and len(parts) > 1:
            raise Unsupported(path, "only a single schema can be held")
        if word == "oneOf" and not self._apart(parts):
            raise Unsupported(path, "its schemas must differ in type or in a member's const; or use anyOf")
        names = [self.value(part, f"{path}[{at}]", depth + 1) for at, part in enumerate(parts)]
        return " | ".join(dict.fromkeys(names))

    def _reference(self, target: Any, path: str, depth: int) -> str:
        if not isinstance(target, str) or not target.startswith("#/"):
            raise Unsupported(path, "only a reference into this schema can be followed")
        known = self._references.get(target, "")
        if known is None:
            raise Unsupported(path, f"{target} leads back to itself")
        if not known:
            self._references[target] = None
            known = self._references[target] = self.value(self._resolved(target, path), path, depth + 1)
        return known

    def _resolved(self, target: str, path: str) -> Any:
        found: Any = self._root
        for part in target[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise Unsupported(path, f"there is no {target}")
            found = found[name]
        return found

    def _enum(self, values: Any, types: Any, path: str) -> str:
        if not isinstance(values, list):
            raise Unsupported(path, "not a list of values")
        names = [types] if isinstance(types, str) else types if isinstance(types, list) else list(_TYPES)
        found = [value for value in values if any(_is(value, name) for name in names)]
        if not found:
            raise Unsupported(path, "there is no value of that type in it")
        return " | ".join(dict.fromkeys(literal(json.dumps(value, ensure_ascii=False)) for value in found))

    def _apart(self, parts: list[Any]) -> bool:
        """Whether no value fits two of these schemas: they differ in type, or in a const that all must have."""
        seen = [self._follow(part) for part in parts]
        if not all(isinstance(part, dict) for part in seen):
            return False
        types = [part.get("type") for part in seen]
        if all(isinstance(name, str) for name in types) and len({*types}) == len(types) and not {*types} >= _NUMBERS:
            return True
        required = set.intersection(*({*part.get("required", [])} for part in seen))
        return any(_distinct([part["properties"].get(name) for part in seen]) for name in sorted(required))

    def _follow(self, part: Any) -> Any:
        target = part.get("$ref") if isinstance(part, dict) else None
        return self._resolved(target, self._path) if isinstance(target, str) and target.startswith("#/") else part

    def _typed(self, schema: Json, words: set[str], path: str, depth: int) -> str:
        types = schema.get("type")
        if types is None:
            types = _guessed(words)
        if types is None:
            if words:
                raise Unsupported(f"{path}.{sorted(words)[0]}", "cannot be expressed")
            return self.any_value(_ANY_DEPTH)
        names = [types] if isinstance(types, str) else types
        if not isinstance(names, list) or not names or not all(name in _WORDS for name in names):
            raise Unsupported(f"{path}.type", "not a type of JSON")
        known = set().union(*(_WORDS[name] for name in names))
        for word in sorted(words - known - {"type"}):
            raise Unsupported(f"{path}.{word}", f"cannot be expressed for {' or '.join(names)}")
        return " | ".join(dict.fromkeys(self._plain(name, schema, path, depth) for name in names))

    def _plain(self, name: str, schema: Json, path: str, depth: int) -> str:
        match name:
            case "object":
                return self._object(schema, path, depth)
            case "array":
                return self._array(schema, path, depth)
            case "string":
                return self._string(schema, path)
            case "integer":
                return self.rules.name(_integer(schema, path))
            case "number":
                return self.rules.name(f'"-"? {_NATURAL} ("." [0-9]{{1,{DIGITS}}})?')
            case "boolean":
                return '"true" | "false"'
            case _:
                return '"null"'

    def _string(self, schema: Json, path: str) -> str:
        low, high = _bounds(schema, "minLength", "maxLength", STRING_MAX, path)
        if "format" in schema:
            form = _FORMATS.get(schema["format"]) if isinstance(schema["format"], str) else None
            if form is None:
                raise Unsupported(f"{path}.format", f"{schema['format']!r} cannot be expressed")
            if low or "maxLength" in schema:
                raise Unsupported(f"{path}.format", "cannot be held together with a length")
            return rf'"\"" {self.rules.name(form)} "\""'
        char = self.rules.name(_CHAR)
        least = [f"{char}{{{min(256, low - done)}}}" for done in range(0, low, 256)]
        return " ".join([r'"\""', *least, repeat(self.rules, char, high - low), r'"\""'])

    def _array(self, schema: Json, path: str, depth: int) -> str:
        low, high = _bounds(schema, "minItems", "maxItems", ARRAY_MAX, path)
        if "prefixItems" in schema:
            return self._tuple(schema, path, depth)
        entry = self.value(schema.get("items", True), f"{path}.items", depth + 1)
        return _list(self.rules, entry, low, high)

    def _tuple(self, schema: Json, path: str, depth: int) -> str:
        parts = schema["prefixItems"]
        if schema.get("items") is not False or not isinstance(parts, list) or not parts or len(parts) > ARRAY_MAX:
            raise Unsupported(f"{path}.prefixItems", "can be held only as the whole array: with items false")
        if schema.get("minItems", 0) != len(parts) or schema.get("maxItems", len(parts)) != len(parts):
            raise Unsupported(f"{path}.prefixItems", f"can be held only as the whole array: with minItems {len(parts)}")
        names = [self.value(part, f"{path}.prefixItems[{at}]", depth + 1) for at, part in enumerate(parts)]
        return '"[" ' + ' ", " '.join(names) + ' "]"'

    def _object(self, schema: Json, path: str, depth: int) -> str:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise Unsupported(path, "properties is no object, or required no list")
        if missing := [name for name in required if name not in properties]:
            raise Unsupported(f"{path}.required", f"{missing[0]!r} is not among the properties")
        others = schema.get("additionalProperties", True)
        if others is not False and others is not True and others != {}:
            raise Unsupported(f"{path}.additionalProperties", "members of any name cannot be bounded")
        if not properties:
            return '"{}"' if others is False else self.any_object(_ANY_DEPTH)
        members = [
            (self._member(name, part, path, depth), name in required) for name, part in properties.items()
        ]  # fmt: skip
        return f'"{{" {self._chain(members)} "}}"'

    def _member(self, name: str, part: Any, path: str, depth: int) -> str:
        value = self.value(part, f"{path}.properties.{name}", depth + 1)
        return f"{literal(json.dumps(name, ensure_ascii=False) + ': ')} {value}"

    def _chain(self, members: list[tuple[str, bool]]) -> str:
        """Members in order, with commas between those that are there."""
        first = later = '""'  # what is left, when nothing was written yet, and when something was
        for member, needed in reversed(members):
            begun, comma = f"{member} {later}", f'", " {member} {later}'
            first = self.rules.name(begun if needed else f"{begun} | {first}")
            later = self.rules.name(comma if needed else f"{comma} | {later}")
        return first

    def any_value(self, depth: int) -> str:
        """A value of any type, at most `depth` deep."""
        parts = [self._plain(name, {}, "", 0) for name in ("string", "number", "boolean", "null")]
        if depth > 0:
            parts += [_list(self.rules, self.any_value(depth - 1), 0, _ANY_MAX), self.any_object(depth - 1)]
        return self.rules.name(" | ".join(parts))

    def any_object(self, depth: int) -> str:
        char = self.rules.name(_CHAR)
        member = self.rules.name(rf'"\"" {repeat(self.rules, char, 64)} "\": " {self.any_value(max(depth, 0))}')
        return self.rules.name(_list(self.rules, member, 0, _ANY_MAX, brackets="{}"))


_NATURAL = f'("0" | [1-9] [0-9]{{0,{DIGITS - 1}}})'
_NUMBERS = {"integer", "number"}  # an integer is a number, too


def _list(rules: Rules, entry: str, low: int, high: int, *, brackets: str = "[]") -> str:
    """Entries between brackets, with commas."""
    begin, end = map(literal, brackets)
    if high < 1:
        return f"{begin} {end}"
    more = rules.name(f'", " {entry}')
    some = f"{entry} {more}{{{max(low - 1, 0)},{high - 1}}}"
    return f"{begin} {some} {end}" if low else f"{begin} ({some})? {end}"


def _bounds(schema: Json, least: str, most: str, limit: int, path: str) -> tuple[int, int]:
    low, high = schema.get(least, 0), schema.get(most, limit)
    for name, value in ((least, low), (most, high)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Unsupported(f"{path}.{name}", "not a whole number, 0 or more")
    if low > limit:
        raise Unsupported(f"{path}.{least}", f"more than {limit} cannot be held")
    if low > high:
        raise Unsupported(f"{path}.{least}", f"more than {most}")
    return low, min(high, limit)


def _guessed(words: set[str]) -> str | None:
    """The type that a schema means which does not say it."""
    return next((name for name in ("object", "array") if words and words <= _WORDS[name]), None)


def _is(value: Any, name: str) -> bool:
    if name == "number" and isinstance(value, float):
        return math.isfinite(value)
    types = _TYPES.get(name, ())
    return isinstance(value, types) and (not isinstance(value, bool) or name == "boolean")


def _distinct(parts: list[Any]) -> bool:
    values = [
        [part["const"]] if "const" in part else part.get("enum", []) for part in parts if isinstance(part, dict)
    ]  # fmt: skip
    flat = [json.dumps(value) for group in values for value in group]
    return len(values) == len(parts) and all(values) and len({*flat}) == len(flat)


def _integer(schema: Json, path: str) -> str:
    """Whole numbers within the schema's bounds, and within what a double holds exactly."""
    widest = 10**DIGITS - 1
    low = max(_edge(schema, "minimum", path, -widest), _edge(schema, "exclusiveMinimum", path, -widest - 1) + 1)
    high = min(_edge(schema, "maximum", path, widest), _edge(schema, "exclusiveMaximum", path, widest + 1) - 1)
    low, high = max(low, -widest), min(high, widest)
    if low > high:
        raise Unsupported(path, "no whole number is within its bounds")
    return digits.between(low, high)


def _edge(schema: Json, word: str, path: str, otherwise: int) -> int:
    value = schema.get(word, otherwise)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unsupported(f"{path}.{word}", "not a whole number")
    return value
