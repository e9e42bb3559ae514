"""A file's text as lines that keep their ends, so that what is not edited stays the same byte for byte. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class Line(NamedTuple):
    """`end` is `\\n`, `\\r\\n`, or empty on a last line without one."""

    text: str
    end: str


class Text(NamedTuple):
    """`bom`: a byte order mark stands before the first line, which no model sees or writes."""

    lines: tuple[Line, ...]
    bom: bool

    @property
    def end(self) -> str:
        """How most lines end."""
        counts = Counter(line.end for line in self.lines if line.end)
        return counts.most_common(1)[0][0] if counts else "\n"

    def encode(self) -> bytes:
        return ((_BOM if self.bom else "") + "".join(line.text + line.end for line in self.lines)).encode()


def read(content: bytes) -> Text:
    """Raises UnicodeDecodeError, also (as what it is: no text) for NUL bytes."""
    if b"\0" in content:
        at = content.index(b"\0")
        raise UnicodeDecodeError("utf-8", content, at, at + 1, "a NUL byte")
    text = content.decode("utf-8")
    bom = text.startswith(_BOM)
    parts = text.removeprefix(_BOM).split("\n")
    last = parts.pop()
    found = [_line(part) for part in parts]
    return Text((*found, Line(last, "")) if last else tuple(found), bom)


def _line(part: str) -> Line:
    return Line(part[:-1], "\r\n") if part.endswith("\r") else Line(part, "\n")


def new_file(lines: Sequence[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()
