"""What a word of the command line names: a file, a definition in it (`PATH::NAME`), or lines (`PATH:12`, `PATH:3-9`).

Pure, standard library only.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from maw.generate.request import Span

_LINES = re.compile(r"(?P<path>.+):(?P<line>[1-9]\d{0,6})(?:-(?P<end>[1-9]\d{0,6}))?")


class Target(NamedTuple):
    path: str
    symbol: str | None = None
    lines: Span | None = None


def parse(word: str) -> Target:
    """pytest's `a.py::Class::method` too."""
    path, found, symbol = word.partition("::")
    if found and path and symbol:
        return Target(path, symbol.replace("::", "."))
    if match := _LINES.fullmatch(word):
        line, end = int(match["line"]), int(match["end"] or match["line"])
        return Target(match["path"], None, (min(line, end), max(line, end)))
    return Target(word)
