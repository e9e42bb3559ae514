"""A diff for whoever reads it: bytes for a program, text in colours and without control characters for a person."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

from maw.text import printable

_INDEX = re.compile(r"^index ([0-9a-f]{10})[0-9a-f]+\.\.([0-9a-f]{10})[0-9a-f]+")
_COLOURS = {"+": "32", "-": "31", "@": "36"}
_BOLD = ("diff ", "--- ", "+++ ", "index ", "new file", "deleted file", "old mode", "new mode")


def write(diff: bytes) -> None:
    """To stdout."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        sys.stdout.write(shown(diff, sys.stdout))
    else:
        sys.stdout.buffer.write(diff)
    sys.stdout.flush()


def shown(diff: bytes, stream: TextIO) -> str:
    """A diff as a person sees it at this stream."""
    lines = printable(diff.decode("utf-8", "replace")).split("\n")
    if stream.isatty():  # to be read: whole object ids, which `git apply` wants, are wider than a terminal
        lines = [_INDEX.sub(r"index \1..\2", line) for line in lines]
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return "\n".join(lines)
    return "\n".join(map(_coloured, lines))


def _coloured(line: str) -> str:
    code = "1" if line.startswith(_BOLD) else _COLOURS.get(line[:1], "")
    return f"\x1b[{code}m{line}\x1b[m" if code else line
