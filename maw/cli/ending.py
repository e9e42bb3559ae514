"""What ends a command from outside: Ctrl-C, the terminal that is closed (SIGHUP), a polite kill (SIGTERM). To a command
all are a KeyboardInterrupt, so that it calls off what it waits for, whichever it was."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGHUP)
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "ended by SIGTERM", signal.SIGHUP: "ended by SIGHUP"}


class Ending:
    """Which signal came; Ctrl-C, which Python takes by itself, where none is known."""

    number = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """As a shell tells it."""
        return 128 + self.number

    @property
    def words(self) -> str:
        return _WORDS[self.number]

    def take(self, number: int, frame: FrameType | None) -> None:
        """Only the first counts: what is being called off then must not be cut short by a second one, which a shell
        and a terminal's end send at the same time."""
        for other in _ENDS:
            signal.signal(other, signal.SIG_IGN)
        self.number = signal.Signals(number)
        if number == signal.SIGHUP:
            _let_go()
        raise KeyboardInterrupt


@contextmanager
def as_interrupts() -> Iterator[Ending]:
    """Within it those signals are interrupts, but for one that is to be ignored (nohup) or that is taken already."""
    ending = Ending()
    ours = threading.current_thread() is threading.main_thread()
    taken = [number for number in _ENDS if ours and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, ending.take)
    try:
        yield ending
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _let_go() -> None:
    """Speak to no terminal any more: it is gone, and each word to it would be an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        if os.isatty(stream):
            os.dup2(nowhere, stream)
    os.close(nowhere)
