"""Watch all tasks of a node: list them, follow what happens, and begin again when the connection breaks."""

from __future__ import annotations

from collections.abc import Callable

from maw import answers, api, reach
from maw.errors import FatalError
from maw.link import control
from maw.watch.board import Board
from maw.watch.persistent import Persistent, there

RECENT = 1000  # events from before the first look: what running tasks have just said
REPLAYED = 5000  # events of an absence that are asked for; of a longer one only the recent ones are
_NEWEST = "limit=100"
_LISTS = ("state=running&limit=1000", "state=queued&limit=1000", _NEWEST)
_STRANGERS = 10_000  # ids that no list had


class Watcher(Persistent):
    def __init__(self, node: str, changed: Callable[[], None]) -> None:
        super().__init__(node)
        self.board = Board(node, changed)
        self._last: int | None = None  # the last event that was seen
        self._strangers: set[str] = set()

    def hurry(self) -> None:
        """Try again now, and have a link do so that remembers a failure."""
        if self.node != reach.LOCAL:
            control.forget_failure(self.node)
        super().hurry()

    def _session(self) -> bool:
        there(self.node)
        known = self._list(_LISTS, whole=True)
        after = self._last if known is None else self._resume(known)
        self._reached()
        for event in self._events("/api/v1/events", after):
            self._last = max(self._last or 0, event.id)
            past = event.id <= (known or 0)
            if not self.board.happened(event, past=past) and not past:
                self._meet(str(event.data.get("task", "")))
        return False

    def _resume(self, known: int) -> int:
        """The event to go on after, where `known` is the last one before the list."""
        if self._last is None or self._last < known - REPLAYED:
            return max(known - RECENT, 0)
        if self._last > known:  # event ids only rise: this is another runner, or its state was removed
            self.board.forget()
            self._list(_LISTS, whole=True)
            return max(known - RECENT, 0)
        return self._last

    def _failed(self, error: FatalError, again: float) -> None:
        self.board.lost(error, again)

    def _meet(self, task: str) -> None:
        """A task that is not on the board: a new one, or one that waited far behind in a long queue."""
        if task in self._strangers:
            return
        self._list(("state=running&limit=1000", _NEWEST), whole=False)
        if self.board.one(task) is None and len(self._strangers) < _STRANGERS:
            self._strangers.add(task)

    def _list(self, queries: tuple[str, ...], *, whole: bool) -> int | None:
        """Have the board know what these lists tell; the last event before all of them. None: an older runner, which
        tells none although there are tasks, and so were events."""
        lists = [answers.typed(self.node, "GET", f"/api/v1/tasks?{query}", api.TaskList) for query in queries]
        # Later lists know more: a task that has ended meanwhile is in the last one.
        self.board.listed((task for found in lists for task in found.tasks), whole=whole)
        told = all(found.last_event for found in lists if found.tasks)
        return min(found.last_event for found in lists) if told else None
