"""Which tasks still have somebody who waits for them. Decisions only: who is missing is told, not cancelled, here."""

from __future__ import annotations

import time
from collections.abc import Callable


class Presence:
    """A task that is watched by no stream for `grace` seconds, from its submit on, is missing its client.

    Only tasks that were expected count; tasks to be kept are never expected. Clock: seconds, monotonic.
    """

    def __init__(self, grace: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace = grace
        self._clock = clock
        self._streams: dict[str, int] = {}
        self._alone: dict[str, float] = {}  # since when; oldest first
        self._expected: set[str] = set()

    def expect(self, task: str) -> None:
        """Somebody submitted or asked for this task: its grace starts (again)."""
        self._expected.add(task)
        self._alone.pop(task, None)
        if not self._streams.get(task):
            self._alone[task] = self._clock()

    def touch(self, task: str) -> None:
        """Somebody asked how an expected task is doing."""
        if task in self._expected:
            self.expect(task)

    def forget(self, task: str) -> None:
        """This task ended, or is to be kept."""
        self._expected.discard(task)
        self._alone.pop(task, None)

    def arrive(self, task: str) -> None:
        """A stream of this task opened."""
        self._streams[task] = self._streams.get(task, 0) + 1
        self._alone.pop(task, None)

    def leave(self, task: str) -> None:
        """A stream of this task closed."""
        self._streams[task] -= 1
        if not self._streams[task]:
            del self._streams[task]
            self.touch(task)

    def missing(self) -> list[str]:
        """The tasks whose grace has passed; each is told once."""
        now = self._clock()
        gone = []
        for task, since in self._alone.items():
            if now - since < self._grace:
                break
            gone.append(task)
        for task in gone:
            self.forget(task)
        return gone
