"""Whether somebody waits for what is being done: of the running asyncio task and those it starts.

What a job asks of an engine carries its task's urgency, without each call having to name it. It may change on the way,
when somebody joins a task that ran in the background, or the last one who waited for it is gone; what the engine has
been asked already hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Hears = Callable[[bool], None]


class Urgency:
    def __init__(self, background: bool) -> None:
        self.background = background
        self._hear: list[Hears] = []

    def change(self, background: bool) -> None:
        """Nothing happens when that is known."""
        if background == self.background:
            return
        self.background = background
        for hears in list(self._hear):
            hears(background)

    @contextmanager
    def heard(self, hears: Hears) -> Iterator[None]:
        """Within it `hears` is called with each change."""
        self._hear.append(hears)
        try:
            yield
        finally:
            self._hear.remove(hears)


_NOBODY_SAID = Urgency(background=False)
_current: ContextVar[Urgency] = ContextVar("urgency", default=_NOBODY_SAID)


def current() -> Urgency:
    return _current.get()


def in_background() -> bool:
    return current().background


def set_urgency(urgency: Urgency) -> None:
    """From here on, in this asyncio task."""
    _current.set(urgency)
