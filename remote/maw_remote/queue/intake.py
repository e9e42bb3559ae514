"""How tasks come in, join, change priority, and are called off."""

from __future__ import annotations

import json
import secrets

from maw import api
from maw_remote.queue.base import Base, compact
from maw_remote.queue.database import transaction
from maw_remote.queue.records import COLUMNS, FINAL, LIVE, NewTask, Row, Submitted

# The indexes by key: left to itself, SQLite goes through all tasks in a state, because they come in the order of seq.
_LIVE_BY_KEY = (
    "SELECT seq FROM task INDEXED BY live_key WHERE key = ? AND state IN ('queued', 'running') AND cancel IS NULL"
)
_ANSWER = f"SELECT {COLUMNS} FROM task INDEXED BY answer WHERE key = ? AND state = 'done' ORDER BY seq DESC LIMIT 1"
# Who joins may only ask for more: a higher priority, a later deadline or none, to be kept.
_JOIN = f"""UPDATE task SET waiters = waiters + 1, clients = :clients,
    put_off = put_off AND :priority < {api.INTERACTIVE},
    priority = max(priority, :priority), keep = max(keep, :keep), fresh = max(fresh, :fresh),
    deadline = CASE WHEN deadline IS NULL OR :deadline IS NULL THEN NULL ELSE max(deadline, :deadline) END
    WHERE seq = :seq RETURNING {COLUMNS}"""
_INSERT = f"""INSERT INTO task
    (id, kind, profile, key, state, priority, created, run_at, deadline, keep, title, fresh, clients)
    VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {COLUMNS}"""


_WAITING = "SELECT count(*) FROM (SELECT 1 FROM task INDEXED BY by_state WHERE state = 'queued' LIMIT ?)"


class Full(Exception):
    """As many tasks wait as may."""


class Intake(Base):
    def submit(self, new: NewTask, limit: int | None = None) -> Submitted:
        """Take a task in; durable when this returns. Equal keys join the live task or get the finished answer;
        after a failure, and with `fresh`, a new task starts (but beside a live one even `fresh` joins). Raises Full
        for a new one where `limit` tasks wait already."""
        with transaction(self._db):
            live = self._db.execute(_LIVE_BY_KEY, (new.key,)).fetchone()
            if live:
                return Submitted(self._join(live[0], new), "live")
            answer = None if new.fresh else self._db.execute(_ANSWER, (new.key,)).fetchone()
            if answer:
                return Submitted(Row._make(answer), "answer")
            if limit is not None and self._db.execute(_WAITING, (limit,)).fetchone()[0] >= limit:
                raise Full
            return Submitted(self._insert(new), None)

    def cancel(
        self, task: str, *, reason: str = "cancelled", force: bool = False, waiter: bool = True, client: str = ""
    ) -> Row | None:
        """One waiter leaves; the task is cancelled when none is left, or with `force`. None: no such task.

        Who asks without being a `waiter` cancels what nobody but that `client` waits for (where it does not say who
        it is: what one at most waits for), and changes nothing otherwise.
        A queued task ends at once. A running one keeps its state, with `cancel` set, until its worker has let go.
        """
        with transaction(self._db):
            row = self._row(task)
            if row is None or row.state in FINAL:
                return row
            clients = json.loads(row.clients)
            if waiter:
                waiters = max(row.waiters - 1, 0)
                _count(clients, client, -1)
            else:
                waiters = row.waiters - (clients.pop(client, 0) if client else min(row.waiters, 1))
            if waiters and not waiter and not force:
                return row
            self._db.execute(
                "UPDATE task SET waiters = ?, clients = ? WHERE seq = ?", (waiters, compact(clients), row.seq)
            )
            if force or waiters == 0:
                self._call_off(row, reason)
            return self._row(task)

    def _call_off(self, row: Row, reason: str) -> None:
        if row.state == "queued":
            self._end(row.seq, "cancelled", {"reason": reason})
        elif row.cancel is None:
            self._db.execute("UPDATE task SET cancel = ? WHERE seq = ?", (reason, row.seq))

    def cancel_overdue(self) -> list[Row]:
        """Cancel the live tasks whose deadline has passed; those among them that still run."""
        now = self._clock()
        overdue = self._db.execute(
            "SELECT id FROM task INDEXED BY due WHERE state IN ('queued', 'running')"
            " AND deadline IS NOT NULL AND deadline <= ? AND cancel IS NULL",
            (now,),
        ).fetchall()
        rows = [self.cancel(task, reason="deadline", force=True) for (task,) in overdue]
        return [row for row in rows if row is not None and row.state == "running"]

    def set_priority(self, task: str, priority: int) -> Row | None:
        """The task with its new priority; unchanged when it has ended. None: no such task."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE task SET priority = ?, put_off = 0 WHERE id = ? AND state IN ('queued', 'running')",
                (priority, task),
            )
            return self._row(task)

    def put_off(self, task: str) -> Row | None:
        """Nobody waits for a live task at the moment: those that somebody waits for come first. None: that changes
        nothing, because it had no such claim, or because somebody has said by hand how urgent it is."""
        with transaction(self._db):
            found = self._db.execute(
                "UPDATE task SET priority = ?, put_off = 1"
                " WHERE id = ? AND state IN ('queued', 'running') AND priority = ?",
                (api.BACKGROUND, task, api.INTERACTIVE),
            )
            return self._row(task) if found.rowcount else None

    def take_up(self, task: str) -> Row | None:
        """Somebody waits for a task again. None: that changes nothing, because it was not put off, or has ended."""
        row = self._row(task)
        return self.set_priority(task, api.INTERACTIVE) if row and row.put_off and row.state in LIVE else None

    def again(self, task: str, profile: str, key: str, client: str = "") -> Submitted | None:
        """Submit an ended task's payload anew, as a task of its own, under today's profile and key. Who asks for that
        need not stay to watch, so it is kept to its end; one that was put off is urgent again, until nobody has the
        patience for it. None: no such task, or it is live."""
        row = self._row(task)
        if row is None or row.state not in FINAL:
            return None
        payload = self._db.execute("SELECT body FROM payload WHERE task = ?", (row.seq,)).fetchone()[0]
        priority = api.INTERACTIVE if row.put_off else row.priority
        new = NewTask(row.kind, profile, key, payload, priority, row.title, keep=True, fresh=True, client=client)
        return self.submit(new)

    def _join(self, seq: int, new: NewTask) -> Row:
        found = self._db.execute("SELECT clients FROM task WHERE seq = ?", (seq,)).fetchone()[0]
        clients = _count(json.loads(found), new.client, 1)
        values = {
            "seq": seq, "priority": new.priority, "keep": int(new.keep), "deadline": new.deadline,
            "fresh": int(new.fresh), "clients": compact(clients),
        }  # fmt: skip
        return Row._make(self._db.execute(_JOIN, values).fetchone())

    def _insert(self, new: NewTask) -> Row:
        now = self._clock()
        values = (
            secrets.token_hex(6), new.kind, new.profile, new.key, new.priority,
            now, now, new.deadline, int(new.keep), new.title, int(new.fresh), compact(_count({}, new.client, 1)),
        )  # fmt: skip
        row = Row._make(self._db.execute(_INSERT, values).fetchone())
        self._db.execute("INSERT INTO payload VALUES (?, ?)", (row.seq, new.payload))
        self._event(row.seq, row.id, "queued", {"priority": row.priority})
        return row


def _count(clients: dict[str, int], client: str, change: int) -> dict[str, int]:
    """`clients` with so many more waiters of that client's, unless it does not say who it is."""
    if client:
        clients[client] = clients.get(client, 0) + change
        if clients[client] <= 0:
            del clients[client]
    return clients
