"""A line on stderr that is replaced as things go on. Standard library only: hook and CLI share it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maw.light import TYPE_CHECKING
from maw.text import one_line

if TYPE_CHECKING:
    import threading

_TICK = 1.0  # seconds


def is_terminal() -> bool:
    """Whether stderr is a person's terminal. A GUI may have started us without a standard error."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class ProgressLine:
    """Nothing at all where there is no terminal, or nobody wants to know."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._terminal = is_terminal() and not quiet
        self._shown = ""
        self._lock: threading.RLock | None = None  # while it ticks: two threads write then

    def show(self, text: str) -> None:
        with self._alone():
            text = one_line(text)[: columns() - 1]
            if self._terminal and text != self._shown:
                self._write(f"\r\x1b[K{text}")
                self._shown = text

    def clear(self) -> None:
        with self._alone():
            if self._shown:
                self._write("\r\x1b[K")
                self._shown = ""

    @contextmanager
    def away(self) -> Iterator[None]:
        """The line is gone for as long as something else is written."""
        with self._alone():
            self.clear()
            yield

    @contextmanager
    def ticking(self, text: Callable[[], str]) -> Iterator[None]:
        """Show what `text` says now, and each second what it says then; nothing is left of it afterwards."""
        if not self._terminal:
            yield
            return
        import threading  # where somebody looks, that is worth a millisecond

        self._lock = threading.RLock()
        over = threading.Event()

        def tick() -> None:
            while not over.wait(_TICK):
                self.show(text())

        ticker = threading.Thread(target=tick, name="maw-progress", daemon=True)
        self.show(text())
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()
            self.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._lock is None:
            yield
        else:
            with self._lock:
                yield

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            pass  # nobody looks any more


def columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
