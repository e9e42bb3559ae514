"""Read an answer that a server wrote as JSON, by the schema of schema.py. Members come in the schema's order."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from maw_remote.engine.interface import Field, Text
from maw_remote.engine.program import Option, Pick, Program, Score, Write
from maw_remote.engine.shape import flow, schema
from maw_remote.engine.shape.reading import Bounded, Parser, Source, Taken

_SPACE_MAX = 1000  # characters of white space in a row: some models write it without end
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_MEANING = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def parse(source: Source, program: Program) -> Parser:
    """The answer's parts. Raises Unreadable."""
    yield from _symbol(source, "{")
    yield from _members(source, program, Taken(), first=True, last=True)
    yield from _symbol(source, "}")


def _members(source: Source, steps: Program, taken: Taken, *, first: bool, last: bool) -> Parser:
    """The members of an object. `last`: nothing is asked for after it."""
    left = schema.members(steps)
    for step in steps:
        if isinstance(step, Score):
            yield Field(step.name, step.text)
        if not isinstance(step, Pick | Write):
            continue
        key, _ = left.pop(0)
        yield from _key(source, key, first=first)
        first = False
        if isinstance(step, Write):
            yield from _written(source, step, lenient=last and not left)
        elif schema.leads_on(step):
            yield from _way(source, key, step, taken, last=last and not left)
        else:
            value = yield from _string(source, step.name)
            option = _known(source, step, taken, [one for one in step.options if one.value == value])
            yield taken.take(step, option)
            # Texts only, but among them may be some that are to be rated.
            yield from _members(source, option.then, taken, first=False, last=False)


def _way(source: Source, key: str, step: Pick, taken: Taken, *, last: bool) -> Parser:
    """An object: the value taken, and what follows it."""
    yield from _symbol(source, "{")
    name = yield from _any_key(source, [schema.own(key, option.then) for option in step.options])
    value = yield from _string(source, step.name)
    named = [one for one in step.options if one.value == value and schema.own(key, one.then) == name]
    option = _known(source, step, taken, named)
    yield taken.take(step, option)
    yield from _members(source, option.then, taken, first=False, last=last)
    yield from _symbol(source, "}")


def _known(source: Source, step: Pick, taken: Taken, named: list[Option]) -> Option:
    left = taken.left(step)
    for option in named:
        if option in left:
            return option
    raise source.unreadable(f"an option of {step.name!r}")


def _key(source: Source, key: str, *, first: bool) -> Generator[None, None, None]:
    if not first:
        yield from _symbol(source, ",")
    yield from _any_key(source, [key])


def _any_key(source: Source, keys: list[str]) -> Generator[None, None, str]:
    found = yield from _string(source, f"the member {keys[0]!r}")
    if found not in keys:
        raise source.unreadable(f"the member {keys[0]!r}")
    yield from _symbol(source, ":")
    return found


def _symbol(source: Source, symbol: str) -> Generator[None, None, None]:
    yield from _space(source)
    if not source.text.startswith(symbol):
        raise source.unreadable(f"a {symbol}")
    source.take(1)


def _space(source: Source) -> Generator[None, None, None]:
    """Pass white space, up to something else or the end."""
    passed = 0
    while True:
        size = len(source.text) - len(source.text.lstrip(" \t\r\n"))
        passed += size
        source.take(size)
        if passed > _SPACE_MAX:
            raise source.unreadable("white space without end")
        if source.text or source.closed:
            return
        yield None


def _string(source: Source, what: str) -> Generator[None, None, str]:
    """A short string: a key or an option. Longer than any there is, it is unreadable when it ends."""
    parts: list[str] = []
    for piece in _pieces(source, what):
        if piece is None:
            yield None
        else:
            parts.append(piece)
            if sum(map(len, parts)) > 1 << 16:
                raise source.unreadable(what)
    return "".join(parts)


def _written(source: Source, step: Write, *, lenient: bool) -> Parser:
    """A Write's text: as in a plain text, what comes after one of its stops is no part of it."""
    stops = tuple(stop for stop in step.stop if stop)
    hold = max((len(stop) for stop in stops), default=1) - 1
    text, held, stopped = Bounded(step.name, flow.limit(step)), "", False
    for piece in _pieces(source, repr(step.name), lenient=lenient):
        if piece is None:
            yield None
        elif not stopped:
            held += piece
            at, stop = flow.first_stop(held, stops)
            stopped = bool(stop)
            at = at if stop else max(len(held) - hold, 0)
            kept, held = text.add(held[:at]), held[at:]
            if kept:
                yield Text(step.name, kept)
    if not stopped and (kept := text.add(held)):
        yield Text(step.name, kept)
    yield text.field(cut=source.cut and source.closed and not source.text and not stopped)


def _pieces(source: Source, what: str, *, lenient: bool = False) -> Iterator[str | None]:
    """A JSON string's content as it comes, whole characters only. `lenient`: the end of a cut answer ends it too."""
    yield from _symbol(source, '"')
    high = ""  # the first half of a character that JSON writes as two escapes
    while True:
        found = _PLAIN.match(source.text) or _ESCAPE.match(source.text)
        if found:
            piece = source.take(found.end())
            text, high = _joined(high, _meant(piece) if piece[0] == "\\" else piece)
            if text:
                yield text
        elif source.text.startswith('"'):
            source.take(1)
            break
        elif source.closed and lenient and source.cut:
            source.take(len(source.text))
            return  # the half of a character that waited was cut off, and is no lost one
        elif source.closed or not _begins_escape(source.text):
            raise source.unreadable(f"the end of {what}")
        else:
            yield None
    if high:
        yield "\N{REPLACEMENT CHARACTER}"


def _begins_escape(text: str) -> bool:
    return not text or re.match(r"\\(?:u[0-9a-fA-F]{0,3})?\Z", text) is not None


def _meant(escape: str) -> str:
    if escape[1] == "u":
        return chr(int(escape[2:], 16))
    return _MEANING.get(escape[1], escape[1])


def _joined(high: str, text: str) -> tuple[str, str]:
    """What can be told, and the half of a character that waits for its other half. A half alone is no character."""
    if high and "\udc00" <= text[0] <= "\udfff":
        pair = (high + text[0]).encode("utf-16", "surrogatepass").decode("utf-16")
        return pair + text[1:], ""
    lost = "\N{REPLACEMENT CHARACTER}" if high else ""
    if len(text) == 1 and "\ud800" <= text <= "\udbff":
        return lost, text
    return lost + re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text), ""
