"""Which tasks still have somebody who waits for them. Decisions only: who is missing or gave up is told, nothing is
cancelled or put off here."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import takewhile


class Presence:
    """A task that is watched by no stream for `patience` seconds, from its submit on, is `lonely`; after `grace`
    seconds it is `missing` its client.

    Only tasks that were expected go missing; tasks to be kept are never expected. Clock: seconds, monotonic.
    """

    def __init__(self, grace: float, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace, self._patience = grace, patience
        self._clock = clock
        self._streams: dict[str, int] = {}
        self._alone: dict[str, float] = {}  # expected ones, since when; oldest first
        self._unwatched: dict[str, float] = {}  # all that were not yet told to be lonely, likewise
        self._expected: set[str] = set()

    def expect(self, task: str) -> None:
        """Somebody submitted or asked for this task: its grace starts (again)."""
        self._expected.add(task)
        self._alone.pop(task, None)
        if not self._streams.get(task):
            self._alone[task] = self._clock()
        self._unwatch(task)

    def keep(self, task: str) -> None:
        """Somebody wants this task done whoever waits."""
        self.forget(task)
        self._unwatch(task)

    def _unwatch(self, task: str) -> None:
        self._unwatched.pop(task, None)
        if not self._streams.get(task):
            self._unwatched[task] = self._clock()

    def touch(self, task: str) -> None:
        """Somebody asked how a task is doing."""
        if task in self._expected:
            self.expect(task)
        else:
            self._unwatch(task)

    def forget(self, task: str) -> None:
        """Whether this task is watched does not matter any more."""
        self._expected.discard(task)
        self._alone.pop(task, None)
        self._unwatched.pop(task, None)

    def arrive(self, task: str) -> None:
        """A stream of this task opened."""
        self._streams[task] = self._streams.get(task, 0) + 1
        self._alone.pop(task, None)
        self._unwatched.pop(task, None)

    def leave(self, task: str) -> None:
        """A stream of this task closed."""
        self._streams[task] -= 1
        if not self._streams[task]:
            del self._streams[task]
            if task in self._expected:
                self.expect(task)
            else:
                self._unwatch(task)

    def watched(self, task: str) -> bool:
        """Whether a stream of this task is open."""
        return task in self._streams

    def lonely(self) -> list[str]:
        """The tasks that nobody has the patience for; each is told once, until it was watched again."""
        lonely = self._over(self._unwatched, self._patience)
        for task in lonely:
            del self._unwatched[task]
        return lonely

    def missing(self) -> list[str]:
        """The tasks whose grace has passed; each is told once."""
        gone = self._over(self._alone, self._grace)
        for task in gone:
            self.forget(task)
        return gone

    def _over(self, since: dict[str, float], limit: float) -> list[str]:
        now = self._clock()
        return list(takewhile(lambda task: now - since[task] >= limit, since))
