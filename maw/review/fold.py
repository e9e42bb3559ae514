"""Prose in lines that fit a terminal, by the columns that its characters take. Standard library only (hook path)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from unicodedata import category, east_asian_width

from maw.review.render import Line

_AS_IT_IS = ("path", "quote", "replacement", "added", "removed", "hunk")  # code is cut, and copied, rather than broken
_LEAST = 20  # columns; in fewer nothing is broken
_AS_PICTURE = "\N{VARIATION SELECTOR-16}"  # makes a sign a picture, which may take a column more


def wrapped(lines: Iterable[Line], width: int) -> Iterator[Line]:
    """Lines for a terminal of so many columns."""
    for line in lines:
        yield from broken(line, width)


def broken(line: Line, width: int) -> list[Line]:
    """A line of prose in as many lines as it takes, each below the start of its text. A mark before it stays."""
    *before, (style, text) = line.parts or (("plain", ""),)
    words = text.lstrip(" ")
    before = [*before, (style, text[: len(text) - len(words)])]
    room = width - columns("".join(part for _, part in before))
    if style in _AS_IT_IS or room < _LEAST or columns(words) <= room:
        return [line]
    marked = before[:1] if before[0][0] == "mark" else []
    indent = " " * (width - room - columns("".join(part for _, part in marked)))
    first, *others = pieces(words, room)
    return [Line((*before, (style, first))), *(Line((*marked, ("plain", indent), (style, part))) for part in others)]


def pieces(text: str, width: int) -> Iterator[str]:
    """`text` in pieces of at most `width` columns, between words where that can be; without the blanks in between."""
    start, word = 0, _after_blanks(text, 0)
    while (end := _reach(text, start, width)) < len(text):
        blank = text.rfind(" ", word + 1, end + 1)
        at = blank if blank > 0 else end
        yield text[start:at].rstrip(" ")
        start = word = _after_blanks(text, at)
    if start < len(text) or not start:
        yield text[start:]


def columns(text: str) -> int:
    """How many a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _reach(text: str, start: int, width: int) -> int:
    """Up to which character so many columns go; past one at least."""
    if text.isascii():
        return min(start + max(width, 1), len(text))
    for at in range(start, len(text)):
        width -= _columns(text[at])
        if width < 0:
            return max(at, start + 1)
    return len(text)


def _after_blanks(text: str, at: int) -> int:
    while text.startswith(" ", at):
        at += 1
    return at


@lru_cache(maxsize=4096)
def _columns(char: str) -> int:
    if category(char) in ("Mn", "Me") and char != _AS_PICTURE:
        return 0
    return 2 if east_asian_width(char) in "WF" else 1
