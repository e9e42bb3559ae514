"""The `path:line` references of an explanation, checked against the files that are there. Pure, standard library only.

A model makes lines up. A reference stands when its file is there and has that line; where the text names a symbol right
beside it, the symbol has to be at that line as well. Where it is defined elsewhere in that file, the line is mended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from maw.repomap.tags import Definition

REFERENCES_MAX = 500
_NEAR = 2  # lines that a reference may be off without being wrong
GOOD, MENDED, NO_FILE, NO_LINE, NOT_THERE = "good", "mended", "no_file", "no_line", "not_there"
SAID = {NO_FILE: "no such file", NO_LINE: "no such line", NOT_THERE: "not at that line"}

_PATH = r"(?P<path>(?:[\w@.+-]{1,100}/){0,20}[\w@.+-]{1,100}\.[A-Za-z]\w{0,9})"
_LINES = r"(?:(?P<before>:|#L|,? lines? | \(lines? )(?P<line>\d{1,7})(?:(?P<dash>-L?|–| to )(?P<end>\d{1,7}))?)?"
_REFERENCE = re.compile(rf"(?<![\w/.:@-])(?:\./)?{_PATH}{_LINES}(?![\w/])")
_SYMBOL = r"`(?P<name>[A-Za-z_$][\w$.]{0,99})(?:\([^()`]{0,40}\))?`"
_BEFORE = re.compile(
    rf"{_SYMBOL}[ ,]{{0,2}}(?:(?:is |are )?(?:defined |declared )?(?:in |at |from )|\(|\(in |\(at ){{0,2}}`?\Z"
)
_AFTER = re.compile(rf"`?:? \(?{_SYMBOL}")


class Source(NamedTuple):
    """A file as a reference is checked against it."""

    lines: Sequence[str]
    definitions: Sequence[Definition] = ()


class Reference(NamedTuple):
    """What stands at `start` to `stop` of the explanation. `line` is None where only a file is named; for a reference
    that was mended, `line` and `end` are the right ones."""

    text: str
    start: int
    stop: int
    path: str
    line: int | None
    end: int | None
    symbol: str
    status: str


def find(text: str, source: Callable[[str], Source | None]) -> list[Reference]:
    """All references in a text, checked. `source` has a file of the repository, None where there is none of that name.
    A name without line and folder may be anything, and counts only when there is such a file."""
    found: list[Reference] = []
    for match in _REFERENCE.finditer(text):
        file = source(match["path"])
        if file is None and match["line"] is None and "/" not in match["path"]:
            continue
        line, end = (int(match[name]) if match[name] else None for name in ("line", "end"))
        named = Reference(match[0], match.start(), match.end(), match["path"], line, end, _symbol(text, match), GOOD)
        found.append(_checked(named, file))
        if len(found) == REFERENCES_MAX:
            break
    return found


def marked(text: str, references: Iterable[Reference]) -> str:
    """The text with the right lines in references that were mended, and a word behind those that are wrong."""
    parts, at = [], 0
    for one in references:
        parts += [text[at : one.start], _mended(one) if one.status == MENDED else one.text]
        at = one.stop
        if one.status in SAID:
            inside = text[at : at + 1] == "`"
            parts.append(("`" if inside else "") + f" [{SAID[one.status]}]")
            at += inside
    return "".join([*parts, text[at:]])


def _symbol(text: str, match: re.Match[str]) -> str:
    """The symbol that a reference is about: `add` (src/app.py:3), or src/app.py:3 `add`."""
    before = _BEFORE.search(text, max(match.start() - 160, 0), match.start())
    named = before or _AFTER.match(text, match.end())
    return named["name"].rpartition(".")[2] if named else ""


def _checked(one: Reference, source: Source | None) -> Reference:
    if source is None:
        return one._replace(status=NO_FILE)
    if one.line is None:
        return one
    last = one.end or one.line
    there = 1 <= one.line <= last <= len(source.lines)
    if there and (not one.symbol or _has(source, one.line, last, one.symbol)):
        return one
    defined = [each for each in source.definitions if each.name == one.symbol]
    if len(defined) == 1:
        end = defined[0].end if one.end else None
        return one._replace(line=defined[0].line, end=end, status=MENDED)
    return one._replace(status=NOT_THERE if there else NO_LINE)


def _has(source: Source, line: int, last: int, symbol: str) -> bool:
    """Whether a symbol is at these lines, or they are inside of its definition."""
    word = re.compile(rf"(?<![\w$]){re.escape(symbol)}(?![\w$])")
    if any(word.search(text) for text in source.lines[max(0, line - 1 - _NEAR) : last + _NEAR]):
        return True
    return any(each.name == symbol and each.line <= line <= each.end for each in source.definitions)


def _mended(one: Reference) -> str:
    """The reference's text with the right lines, written as it was."""
    match = _REFERENCE.match(one.text)
    assert match is not None
    end = f"{match['dash']}{one.end}" if one.end else ""
    return f"{one.text[: match.start('line')]}{one.line}{end}"
