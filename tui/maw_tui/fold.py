"""Text of models and nodes in lines that fit."""

from __future__ import annotations

from textual.content import Content

from maw.review.fold import pieces
from maw.review.render import Line
from maw.text import printable


def folded(text: str, width: int, style: str = "plain") -> list[Line]:
    """Lines of at most `width` columns, broken between words where that can be."""
    lines: list[Line] = []
    for paragraph in printable(text).expandtabs(4).split("\n"):
        lines += [Line(((style, part),)) for part in pieces(paragraph, width)]
    return lines


def cut(text: str, width: int) -> str:
    """At most so many columns, with an ellipsis where that is not all."""
    content = Content(text)
    return content.truncate(width, ellipsis=True).plain if content.cell_length > width else text


def fit(text: str, width: int) -> str:
    """Exactly so many columns: cut with an ellipsis, or filled with blanks."""
    found = cut(text, width)
    return found + " " * (width - Content(found).cell_length)
