"""Watch one task from its first event on: what it said before anybody looked, too.

To the runner, who watches a task waits for it (docs/protocol.md, Waiting).
"""

from __future__ import annotations

from collections.abc import Callable

from maw import client, wire
from maw.errors import ApiError, FatalError
from maw.watch.persistent import Persistent


class Follower(Persistent):
    """`told` gets each event, `failed` why there are none for now; both are called from the thread."""

    def __init__(
        self, node: str, task: str, told: Callable[[wire.Event], object], failed: Callable[[FatalError], object]
    ) -> None:
        super().__init__(node)
        self.task = task
        self._told = told
        self._say = failed
        self._last = 0

    def _session(self) -> bool:
        try:
            for event in self._events(f"/api/v1/tasks/{self.task}/events", self._last):
                self._reached()
                self._last = max(self._last, event.id)
                self._told(event)
                if event.type in client.TERMINAL:
                    return True
        except ApiError as exc:
            if exc.status != 404:  # it is forgotten, for good
                raise
            self._say(exc)
            return True
        return False

    def _failed(self, error: FatalError, again: float) -> None:
        self._say(error)
