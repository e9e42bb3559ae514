"""What a hook says, to stderr: plain lines, colour and one progress line on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from maw.review.render import Line
from maw.review.terminal import ProgressLine, columns, is_terminal
from maw.text import printable

_COLOURS = {
    "path": "1",
    "critical": "1;31",
    "error": "31",
    "warning": "33",
    "info": "36",
    "dim": "2",
    "replacement": "32",
}


class Talk:
    """It follows NO_COLOR, TERM and whether stderr is a terminal."""

    def __init__(self) -> None:
        self._colour = is_terminal() and not os.environ.get("NO_COLOR")
        self._progress = ProgressLine()

    def say(self, text: str) -> None:
        """One line from maw itself."""
        self._write(f"maw: {printable(text)}\n")

    def more(self, text: str) -> None:
        """A line that goes with the one before."""
        self._write(f"     {printable(text)}\n")

    def lines(self, lines: list[Line]) -> None:
        if is_terminal():
            from maw.review.fold import wrapped  # only here: most commits have no findings to show

            lines = list(wrapped(lines, columns()))
        self._write("".join(self._painted(line) + "\n" for line in lines))

    def progress(self, text: str) -> None:
        """Replace the progress line; nothing where there is no terminal."""
        self._progress.show(text)

    def ticking(self, text: Callable[[], str]) -> AbstractContextManager[None]:
        """A progress line that goes on by itself, each second, as long as the block lasts."""
        return self._progress.ticking(text)

    def _painted(self, line: Line) -> str:
        if not self._colour:
            return line.text
        return "".join(
            f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if style in _COLOURS else text for style, text in line.parts
        )

    def _write(self, text: str) -> None:
        if not text or sys.stderr is None:
            return
        with self._progress.away():
            try:
                sys.stderr.write(text)
                sys.stderr.flush()
            except OSError:
                pass  # nobody listens any more; the commit does not depend on it
