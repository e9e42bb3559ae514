"""Text of models and nodes, broken into lines that fit."""

from __future__ import annotations

from textual.content import Content

from maw.review.render import Line
from maw.text import printable


def folded(text: str, width: int, style: str = "plain") -> list[Line]:
    """Lines of at most `width` columns, broken between words where that can be."""
    lines: list[Line] = []
    for paragraph in printable(text).expandtabs(4).split("\n"):
        parts = Content(paragraph).wrap(max(width, 1)) if paragraph else [Content("")]
        lines += [Line(((style, part.plain),)) for part in parts]
    return lines


def cut(text: str, width: int) -> str:
    """At most so many columns, with an ellipsis where that is not all."""
    content = Content(text)
    return content.truncate(width, ellipsis=True).plain if content.cell_length > width else text


def fit(text: str, width: int) -> str:
    """Exactly so many columns: cut with an ellipsis, or filled with blanks."""
    found = cut(text, width)
    return found + " " * (width - Content(found).cell_length)


_AS_IT_IS = ("quote", "replacement", "added", "removed", "hunk")  # code is cut rather than broken
_LEAST = 20  # columns; in fewer nothing is broken


def broken(line: Line, width: int) -> list[Line]:
    """A line of prose in as many lines as it takes, each below the start of its text. A mark before it stays."""
    *before, (style, text) = line.parts or (("plain", ""),)
    room = width - Content("".join(part for _, part in before)).cell_length
    if style in _AS_IT_IS or room < _LEAST or Content(text).cell_length <= room:
        return [line]
    marked = before[:1] if before and before[0][0] == "mark" else []
    indent = " " * (width - room - Content("".join(part for _, part in marked)).cell_length)
    first, *others = Content(text).wrap(room)
    following = [Line((*marked, ("plain", indent), (style, part.plain))) for part in others]
    return [Line((*before, (style, first.plain))), *following]
