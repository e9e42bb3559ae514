"""Looking at tasks and events without changing anything."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from maw_remote.queue.base import Base
from maw_remote.queue.records import COLUMNS, FINAL, Event, Json, Row

_EVENTS = """SELECT e.id, t.id, e.type, e.ts,
        CASE e.type WHEN 'done' THEN '{"result":' || r.body || '}' ELSE e.data END
    FROM event e JOIN task t ON t.seq = e.task LEFT JOIN result r ON e.type = 'done' AND r.task = e.task"""


class Story(NamedTuple):
    """Some events in order. `ended`: these are the last, the task is over."""

    events: list[Event]
    ended: bool


class Reading(Base):
    def get(self, task: str) -> Row | None:
        return self._row(task)

    def result(self, seq: int) -> Json | None:
        found = self._db.execute("SELECT body FROM result WHERE task = ?", (seq,)).fetchone()
        return dict(json.loads(found[0])) if found else None

    def payload(self, seq: int) -> Json:
        """The payload of a task that exists."""
        return dict(json.loads(self._db.execute("SELECT body FROM payload WHERE task = ?", (seq,)).fetchone()[0]))

    def page(
        self, *, state: str | None = None, kind: str | None = None, limit: int = 100, before: str | None = None
    ) -> list[Row]:
        """Newest first; `before` is the id of the last task of the page before."""
        conditions = ["1"]
        values: list[Any] = []
        for column, value in (("state", state), ("kind", kind)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if before is not None:
            conditions.append("seq < (SELECT seq FROM task WHERE id = ?)")
            values.append(before)
        rows = self._db.execute(
            f"SELECT {COLUMNS} FROM task WHERE {' AND '.join(conditions)} ORDER BY seq DESC LIMIT ?", (*values, limit)
        )
        return [Row._make(row) for row in rows]

    def listing(
        self, *, state: str | None = None, kind: str | None = None, limit: int = 100, before: str | None = None
    ) -> tuple[list[Row], int]:
        """A page, and the last event when it was taken: who follows the events after that one misses nothing."""
        return self.page(state=state, kind=kind, limit=limit, before=before), self.last_event()

    def counts(self) -> dict[str, int]:
        """Number of tasks by state; states without any are left out."""
        return dict(self._db.execute("SELECT state, count(*) FROM task GROUP BY state").fetchall())

    def ahead(self, task: str) -> int | None:
        """How many tasks run or come before a waiting one; None when it does not wait."""
        row = self._row(task)
        if row is None or row.state != "queued":
            return None
        before = "state = 'queued' AND (priority > ? OR (priority = ? AND seq < ?))"
        values = (row.priority, row.priority, row.seq)
        waiting = self._db.execute(f"SELECT count(*) FROM task INDEXED BY claimable WHERE {before}", values).fetchone()
        running = self._db.execute("SELECT count(*) FROM task WHERE state = 'running'").fetchone()
        return int(waiting[0] + running[0])

    def live(self) -> list[Row]:
        """Every queued or running task, oldest first."""
        rows = self._db.execute(f"SELECT {COLUMNS} FROM task WHERE state IN ('queued', 'running') ORDER BY seq")
        return [Row._make(row) for row in rows]

    def last_event(self) -> int:
        """The highest id given to any event so far; 0 before the first."""
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(found[0]) if found else 0

    def events(self, task: str, after: int = 0, limit: int = 500) -> Story | None:
        """Events of one task with ids above `after`. None: no such task (any more)."""
        row = self._row(task)
        if row is None:
            return None
        found = self._db.execute(
            f"{_EVENTS} WHERE e.task = ? AND e.id > ? ORDER BY e.id LIMIT ?", (row.seq, after, limit)
        )
        events = [Event._make(event) for event in found]
        return Story(events, row.state in FINAL and len(events) < limit)

    def all_events(self, after: int, limit: int = 500) -> list[Event]:
        """Events of all tasks with ids above `after`."""
        found = self._db.execute(f"{_EVENTS} WHERE e.id > ? ORDER BY e.id LIMIT ?", (after, limit))
        return [Event._make(event) for event in found]
