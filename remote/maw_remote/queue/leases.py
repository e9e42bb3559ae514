"""Who works on what: claims with a lease and a fencing token, and the ways a claim ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from maw_remote.queue.base import Base, compact
from maw_remote.queue.database import transaction
from maw_remote.queue.records import Claim, Json, Pulse

# The index in the order of the claim: left to itself, SQLite reads and sorts the whole backlog. Whatever is due later
# than the longest pause was queued by a clock that has been set back since.
_CLAIM = """UPDATE task SET state = 'running', attempt = attempt + 1, token = token + 1, started = :now,
        lease = :now + :lease, boot = :boot
    WHERE seq = (SELECT seq FROM task INDEXED BY claimable
                 WHERE state = 'queued' AND priority >= :floor AND kind IN ({kinds})
                     AND (run_at <= :now OR run_at > :latest)
                 ORDER BY priority DESC, seq LIMIT 1)
    RETURNING seq, id, kind, profile, attempt, token, priority, iif(fresh, created, 0.0)"""
_HELD = "seq = ? AND token = ? AND state = 'running'"


class Leases(Base):
    def claim(self, kinds: Sequence[str], floor: int = 0) -> Claim | None:
        """The most urgent, then oldest waiting task of these kinds, of this priority at least, now ours for a lease;
        None when there is none."""
        names = {f"kind{number}": kind for number, kind in enumerate(kinds)}
        statement = _CLAIM.format(kinds=", ".join(f":{name}" for name in names))
        now, settings = self._clock(), self._settings
        times = {"now": now, "latest": now + settings.backoff_max, "lease": settings.lease}
        with transaction(self._db):
            found = self._db.execute(statement, {**names, **times, "boot": self._boot, "floor": floor}).fetchone()
            if found is None:
                return None
            seq, task, _, _, attempt, token, *_ = found
            if token > 1:
                self._event(seq, task, "restarted", {"attempt": attempt})
            self._event(seq, task, "started", {"attempt": attempt})
            payload = self._db.execute("SELECT body FROM payload WHERE task = ?", (seq,)).fetchone()[0]
        return Claim._make((*found, payload))

    def next_run_at(self, kinds: Sequence[str], floor: int = 0) -> float | None:
        """When the next task of these kinds, of this priority at least, that waits out a backoff may start."""
        marks = ", ".join("?" * len(kinds))
        found: tuple[float | None] = self._db.execute(
            f"SELECT min(run_at) FROM task INDEXED BY claimable WHERE state = 'queued' AND priority >= ?"
            f" AND kind IN ({marks})",
            (floor, *kinds),
        ).fetchone()
        return found[0]

    def rekey(self, claim: Claim, profile: str, key: str) -> None:
        """The profile changed while the task waited: file its answer under what will have determined it."""
        statement = f"UPDATE task SET profile = ?, key = ? WHERE {_HELD}"
        try:
            self._db.execute(statement, (profile, key, claim.seq, claim.token))
        except sqlite3.IntegrityError:  # another live task has that key: this one answers its own waiters only
            self._db.execute(statement, (profile, f"{key}:{claim.id}", claim.seq, claim.token))

    def heartbeat(self, claim: Claim) -> Pulse:
        """Prolong the lease. A claim that is no longer held must stop working."""
        found = self._db.execute(
            f"UPDATE task SET lease = ? WHERE {_HELD} RETURNING cancel",
            (self._clock() + self._settings.lease, claim.seq, claim.token),
        ).fetchone()
        return Pulse(found is not None, found[0] if found else None)

    def append(self, claim: Claim, events: Sequence[tuple[str, Json]]) -> bool:
        """Append events (type, data) of a running task; False when the claim is no longer held."""
        with transaction(self._db):
            if not self._held(claim):
                return False
            for kind, data in events:
                self._event(claim.seq, claim.id, kind, data)
        return True

    def finish(self, claim: Claim, result: Json) -> bool:
        """Store the result; False when the claim is no longer held (then nothing changes).
        Raises TypeError and ValueError for a result that is no JSON; the claim is then still held."""
        with transaction(self._db):
            if not self._held(claim):
                return False
            self._db.execute("INSERT INTO result VALUES (?, ?)", (claim.seq, compact(result)))
            # The result is stored once; reading the event puts it in.
            self._end(claim.seq, "done", {})
        return True

    def fail(self, claim: Claim, error: Json, *, retry: bool = False) -> str | None:
        """End a claim without a result: `failed`, or with `retry` (a crash) back into the queue after a pause, or
        `dead` after the last attempt. A task that was to be cancelled is. The new state; None: not held."""
        with transaction(self._db):
            if not self._held(claim):
                return None
            return self._settle(claim.seq, error, retry)

    def release_all(self) -> list[str]:
        """Give back all that runs, because the runner stops; this does not count as an attempt. Their ids."""
        with transaction(self._db):
            running = self._db.execute("SELECT seq, id FROM task WHERE state = 'running' ORDER BY seq").fetchall()
            for seq, _ in running:
                if not self._follow_cancel(seq):
                    self._uncounted(seq)
        return [task for _, task in running]

    def give_back(self, claim: Claim) -> str | None:
        """Put a task that gave way to others back into the queue; this does not count as an attempt. Its state now;
        None: not held."""
        with transaction(self._db):
            if not self._held(claim):
                return None
            return "cancelled" if self._follow_cancel(claim.seq) else self._uncounted(claim.seq)

    def cancelled(self, claim: Claim) -> bool:
        """The worker has let go of a task whose cancel was asked for."""
        with transaction(self._db):
            return self._held(claim) and self._follow_cancel(claim.seq)

    def reap(self) -> list[str]:
        """At boot: tasks a dead runner left running go back into the queue (or are dead); their ids."""
        return self._lost("boot IS NOT ?", self._boot)

    def expire(self) -> list[str]:
        """Take back the tasks whose lease ran out; their ids."""
        return self._lost("lease <= ?", self._clock())

    def _lost(self, condition: str, value: object) -> list[str]:
        with transaction(self._db):
            lost = self._db.execute(
                f"SELECT seq, id FROM task WHERE state = 'running' AND {condition} ORDER BY seq", (value,)
            ).fetchall()
            error = {"code": "runner_lost", "message": "the runner ended while it worked on this"}
            for seq, _ in lost:
                self._settle(seq, error, retry=True, pause=False)
        return [task for _, task in lost]

    def _settle(self, seq: int, error: Json, retry: bool, *, pause: bool = True) -> str:
        if self._follow_cancel(seq):
            return "cancelled"
        attempt = self._db.execute("SELECT attempt FROM task WHERE seq = ?", (seq,)).fetchone()[0]
        if retry and attempt < self._settings.max_attempts:
            self._requeue(seq, self._clock() + (self._pause(attempt) if pause else 0.0))
            return "queued"
        state = "dead" if retry else "failed"
        self._end(seq, state, {"error": error}, error)
        return state

    def _pause(self, attempt: int) -> float:
        """Exponential, and jittered by half, so that tasks that crashed together do not come back together."""
        longest = min(self._settings.backoff * 2.0 ** (attempt - 1), self._settings.backoff_max)
        return longest * (0.5 + 0.5 * self._jitter())

    def _requeue(self, seq: int, run_at: float) -> None:
        self._db.execute(
            "UPDATE task SET state = 'queued', run_at = ?, lease = NULL, boot = NULL WHERE seq = ?", (run_at, seq)
        )

    def _uncounted(self, seq: int) -> str:
        self._requeue(seq, self._clock())
        self._db.execute("UPDATE task SET attempt = attempt - 1 WHERE seq = ?", (seq,))
        return "queued"

    def _follow_cancel(self, seq: int) -> bool:
        reason = self._db.execute("SELECT cancel FROM task WHERE seq = ?", (seq,)).fetchone()[0]
        if reason is None:
            return False
        self._end(seq, "cancelled", {"reason": reason})
        return True

    def _held(self, claim: Claim) -> bool:
        return self._db.execute(f"SELECT 1 FROM task WHERE {_HELD}", (claim.seq, claim.token)).fetchone() is not None
