"""Whether somebody waits for what is being done: of the running asyncio task and those it starts.

What a job asks of an engine carries its task's urgency, without each call having to name it. It may change on the way,
when somebody joins a task that ran in the background.
"""

from __future__ import annotations

from contextvars import ContextVar


class Urgency:
    def __init__(self, background: bool) -> None:
        self.background = background


_NOBODY_SAID = Urgency(background=False)
_current: ContextVar[Urgency] = ContextVar("urgency", default=_NOBODY_SAID)


def in_background() -> bool:
    return _current.get().background


def set_urgency(urgency: Urgency) -> None:
    """From here on, in this asyncio task."""
    _current.set(urgency)
