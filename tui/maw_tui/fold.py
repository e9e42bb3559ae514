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


def fit(text: str, width: int) -> str:
    """Exactly so many columns: cut with an ellipsis, or filled with blanks."""
    content = Content(text)
    if content.cell_length > width:
        content = content.truncate(width, ellipsis=True)
    return content.plain + " " * (width - content.cell_length)
