"""Our grammars as llama.cpp reads them: it takes each, lets through what is allowed, and nothing else."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema as validator
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maw_remote.engine.program import Option, Pick, Program, Say, Write
from maw_remote.engine.shape import digits, gbnf, jsonschema, plain
from tests.engine.shape.programs import programs, walk
from tests.engine.shape.test_answers import damaged, read
from tests.fixtures.grammars import Accepts

pytestmark = pytest.mark.model
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@some
@given(program=programs(), seed=st.integers(0, 2**32))
def test_a_programs_answers_are_let_through(grammar_accepts: Accepts, program: Program, seed: int) -> None:
    assert grammar_accepts(gbnf.build(program), walk(program, seed).plain)


@some
@given(program=programs(), seed=st.integers(0, 2**32), change=st.integers(0, 2**32))
def test_what_is_let_through_can_be_read(grammar_accepts: Accepts, program: Program, seed: int, change: int) -> None:
    text = damaged(walk(program, seed).plain, random.Random(change))
    if "\0" not in text and grammar_accepts(gbnf.build(program), text):
        assert read(plain.parse, program, text).problem is None


def test_large_programs_are_taken(grammar_accepts: Accepts) -> None:
    lines = tuple(Option(f"{number}\n", str(number)) for number in range(1, 801))
    finding: Program = (Pick("line", lines), Say("Why: "), Write("why", 3000, ("\n",)), Say("\n"))
    program: Program = (*finding, *finding, *finding, Say("Code:\n"), Write("code", 8000, ("\n```",)))
    grammar = gbnf.build(program)
    one = "800\nWhy: " + "it fails " * 1000 + "\n"
    assert grammar_accepts(grammar, one * 3 + "Code:\n" + "x = 1\n" * 1000)
    assert not grammar_accepts(grammar, "801\nWhy: it fails\n")
    assert not grammar_accepts(grammar, one * 3 + "Code:\nx\n```")


def test_a_grammar_can_be_part_of_one(grammar_accepts: Accepts) -> None:
    inner = 'root ::= item | "[" item "]"\nitem ::= "item" [0-9]\n'
    grammar = gbnf.build((Say("a: "), Write("a", 9, grammar=inner), Say(".")))
    assert grammar_accepts(grammar, "a: [item7].") and grammar_accepts(grammar, "a: item0.")
    assert not grammar_accepts(grammar, "a: [item7.")


def test_texts_without_a_stop_that_overlaps_itself(grammar_accepts: Accepts) -> None:
    grammar = gbnf.build((Write("a", 9, ("aab",)), Say("aab!")))
    for text, allowed in (("", True), ("a", True), ("aaa", True), ("baab", False), ("abaa", True), ("aabx", False)):
        assert grammar_accepts(grammar, f"{text}aab!") is allowed, text


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 8},
        "age": {"type": "integer", "minimum": 18, "maximum": 130},
        "mail": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"enum": ["x", 'y"z']}, "maxItems": 2},
        "born": {"type": "string", "format": "date"},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}
FULL = {"name": "a", "age": 18, "mail": None, "tags": ["x", 'y"z'], "born": "2024-02-28"}
NUMBERS = {"$defs": {"p": {"type": "number"}}, "type": "array", "items": {"$ref": "#/$defs/p"}, "minItems": 2}
PAIR = {"type": "array", "prefixItems": [{"type": "null"}, {"type": "integer"}], "items": False, "minItems": 2}
KINDS = [
    {"properties": {"k": {"const": "a"}}, "required": ["k"]},
    {"properties": {"k": {"const": "b"}, "n": {"type": "integer"}}, "required": ["k", "n"]},
]
TAGGED = {"oneOf": [{"type": "object", "additionalProperties": False, **kind} for kind in KINDS]}
EITHER = {"anyOf": [{"type": "boolean"}, {"const": {"a": [1.5, None]}}]}
MOMENT = {"type": "string", "format": "date-time"}
GOOD: list[tuple[Any, list[Any], list[Any]]] = [
    (
        PERSON,
        [{"name": "\u00e9", "tags": []}, FULL],
        [
            {"name": "", "tags": []},
            {"tags": []},
            FULL | {"age": 17},
            FULL | {"tags": ["x", "x", "x"]},
            FULL | {"born": "2024-02-30"},
        ],
    ),
    (EITHER, [True, {"a": [1.5, None]}], [None, {"a": []}]),
    (NUMBERS, [[1, -2.5]], [[1], ["1", 2]]),
    (PAIR, [[None, 3]], [[None], [3, None]]),
    (TAGGED, [{"k": "a"}, {"k": "b", "n": 0}], [{"k": "b"}, {"k": "a", "n": 0}]),
    ({"type": "string", "enum": ["a", 3]}, ["a"], [3]),
    ({"type": "object"}, [{}, {"a": {"b": [1, "c", True]}}], [[], "a"]),
    (MOMENT, ["2024-12-31T23:59:59Z", "2024-04-30T00:00:00+02:00"], ["2024-04-31T00:00:00Z"]),
]


@pytest.mark.parametrize(("schema", "good", "bad"), GOOD)
def test_values_of_a_schema(grammar_accepts: Accepts, schema: Any, good: list[Any], bad: list[Any]) -> None:
    grammar = jsonschema.build(schema)
    checker = validator.Draft202012Validator(schema)
    for value in good:
        assert grammar_accepts(grammar, json.dumps(value, ensure_ascii=False)), value
        checker.validate(value)
    for value in bad:
        assert not grammar_accepts(grammar, json.dumps(value, ensure_ascii=False)), value


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}, "properties.a.pattern"),
        ({"not": {}}, "not"),
        ({"type": "number", "minimum": 3}, "minimum"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "additionalProperties"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, "uniqueItems"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}, "$ref.items.$ref"),
        ({"$ref": "https://example.invalid/s"}, "$ref"),
        ({"type": "string", "format": "uri"}, "format"),
        ({"type": "string", "minLength": 10**9}, "minLength"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, ""),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
        ({"allOf": [{"type": "string"}, {"type": "string"}]}, "allOf"),
        ({"type": "object", "required": ["a"]}, "required"),
        ({"type": "wrong"}, "type"),
        ({"anyOf": []}, "anyOf"),
        ({"enum": []}, "enum"),
        ({"type": "object", "properties": {"a": 3}}, "properties.a"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_refused_by_name(schema: Any, path: str) -> None:
    with pytest.raises(jsonschema.Unsupported) as caught:
        jsonschema.build(schema)
    assert caught.value.path == f"schema.{path}".rstrip(".")


def test_a_schema_of_many_members_is_no_work() -> None:
    optional = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(300)}}
    assert len(jsonschema.build(optional)) < 100_000
    nested: Any = {"type": "null"}
    for _ in range(40):
        nested = {"type": "array", "items": nested}
    with pytest.raises(jsonschema.Unsupported, match="deeper"):
        jsonschema.build(nested)


@some
@given(a=st.integers(-2000, 2000), b=st.integers(-2000, 2000), probe=st.integers(-2200, 2200))
def test_whole_numbers_between_bounds(grammar_accepts: Accepts, a: int, b: int, probe: int) -> None:
    low, high = sorted((a, b))
    for number in (probe, low, high, low - 1, high + 1):
        assert grammar_accepts(f"root ::= {digits.between(low, high)}\n", str(number)) is (low <= number <= high)


def test_json_of_any_content(grammar_accepts: Accepts) -> None:
    grammar = jsonschema.anything()
    assert grammar_accepts(grammar, '{"a": [1, {"b": "c\\n"}], "d": null}')
    assert not grammar_accepts(grammar, '{"a": ' + "[" * 9)
    assert not grammar_accepts(grammar, "[]")
