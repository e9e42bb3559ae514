"""What a hook says, to stderr: plain lines, colour and one progress line on a terminal only."""

from __future__ import annotations

import os
import sys

from maw.review.render import Line
from maw.text import printable

_COLOURS = {
    "path": "1",
    "critical": "1;31",
    "error": "31",
    "warning": "33",
    "info": "36",
    "quote": "0",
    "dim": "2",
    "replacement": "32",
}


class Talk:
    """`MAW_` settings do not reach it: it follows NO_COLOR, TERM and whether stderr is a terminal."""

    def __init__(self) -> None:
        # A GUI may start git without a standard error.
        self._terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = self._terminal and not os.environ.get("NO_COLOR")
        self._progress = False

    def say(self, text: str) -> None:
        """One line from maw itself."""
        self._write(f"maw: {printable(text)}\n")

    def more(self, text: str) -> None:
        """A line that goes with the one before."""
        self._write(f"     {printable(text)}\n")

    def lines(self, lines: list[Line]) -> None:
        if lines:
            self._write("".join(self._painted(line) + "\n" for line in lines))

    def progress(self, text: str) -> None:
        """Replace the progress line; nothing where there is no terminal."""
        if self._terminal:
            self._write(printable(text))
            self._progress = True

    def clear(self) -> None:
        """Take the progress line away."""
        self._write("")

    def _painted(self, line: Line) -> str:
        if not self._colour:
            return line.text
        return "".join(
            f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if style in _COLOURS else text for style, text in line.parts
        )

    def _write(self, text: str) -> None:
        before = "\r\x1b[K" if self._progress else ""
        self._progress = False
        if sys.stderr is None or not before + text:
            return
        try:
            sys.stderr.write(before + text)
            sys.stderr.flush()
        except OSError:
            pass  # nobody listens any more; the commit does not depend on it
