"""Code in the colours of its language, by Pygments, which comes with Textual."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String
from pygments.util import ClassNotFound

from maw.review.annotate import Parts, plain
from maw.review.render import Part

LONGEST = 500  # characters of a line; a longer one is no code that people read
MOST = 200_000  # characters of one side of a hunk

# The first that fits counts.
_STYLES = (
    (Comment, "comment"), (String, "string"), (Number, "number"), (Literal, "string"), (Operator.Word, "keyword"),
    (Keyword, "keyword"), (Name.Function, "name"), (Name.Class, "name"), (Name.Decorator, "name"), (Name.Tag, "name"),
)  # fmt: skip


def paint(path: str, texts: Sequence[str]) -> list[Parts]:
    """Lines of a file in colours; plain where its language is not known, or they are too much."""
    lexer = _lexer(os.path.basename(path))
    if lexer is None or sum(map(len, texts)) > MOST or any(len(text) > LONGEST for text in texts):
        return plain(path, texts)
    found = _lines(lexer, "\n".join(texts) + "\n")
    if len(found) != len(texts):  # a lexer that counts lines in its own way
        return plain(path, texts)
    return [tuple(parts) for parts in found]


def _lines(lexer: Lexer, text: str) -> list[list[Part]]:
    lines: list[list[Part]] = [[]]
    for kind, value in lexer.get_tokens(text):
        for at, piece in enumerate(value.split("\n")):
            if at:
                lines.append([])
            if piece:
                lines[-1].append((_style(kind), piece))
    return lines[:-1]


@functools.lru_cache(maxsize=512)
def _style(kind: tuple[str, ...]) -> str:
    return next((style for known, style in _STYLES if kind in known), "plain")


@functools.lru_cache(maxsize=64)
def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
