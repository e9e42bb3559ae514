"""A line on stderr that is replaced as things go on. Standard library only: hook and CLI share it."""

from __future__ import annotations

import os
import sys

from maw.text import one_line


def is_terminal() -> bool:
    """Whether stderr is a person's terminal. A GUI may have started us without a standard error."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class ProgressLine:
    """Nothing at all where there is no terminal, or nobody wants to know."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = is_terminal() and not quiet
        self._shown = ""

    def show(self, text: str) -> None:
        text = one_line(text)[: _width() - 1]
        if self._terminal and text != self._shown:
            self._write(f"\r\x1b[K{text}")
            self._shown = text

    def clear(self) -> None:
        if self._shown:
            self._write("\r\x1b[K")
            self._shown = ""

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            pass  # nobody looks any more


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
