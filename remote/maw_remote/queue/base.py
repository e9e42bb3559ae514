"""What the parts of the queue share: the connection, the clock, the settings, and single rows."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable
from typing import NamedTuple

from maw_remote.queue.records import COLUMNS, Json, Row


class Settings(NamedTuple):
    """Seconds, but for `max_attempts`: after so many crashed attempts a task is dead."""

    lease: float = 30.0
    max_attempts: int = 3
    backoff: float = 1.0  # before the second attempt; doubles with each further one
    backoff_max: float = 60.0


DEFAULTS = Settings()


def compact(data: Json) -> str:
    """JSON as it is stored. Raises TypeError and ValueError for what is none (NaN included).

    A lone surrogate, which a model's or a library's text may hold, becomes a question mark: it has no UTF-8, so that no
    answer could tell it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8")


class Base:
    def __init__(
        self,
        db: sqlite3.Connection,
        *,
        boot: str = "",
        settings: Settings = DEFAULTS,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._db = db
        self._boot = boot
        self._settings = settings
        self._clock = clock
        self._jitter = jitter
        self._touched: set[str] = set()

    def take_touched(self) -> set[str]:
        """Ids of the tasks that got events since the last call: whose streams are to be woken."""
        touched, self._touched = self._touched, set()
        return touched

    def _event(self, seq: int, task: str, kind: str, data: Json) -> None:
        """Append within the caller's transaction."""
        self._db.execute(
            "INSERT INTO event (task, type, ts, data) VALUES (?, ?, ?, ?)", (seq, kind, self._clock(), compact(data))
        )
        self._touched.add(task)

    def _row(self, task: str) -> Row | None:
        found = self._db.execute(f"SELECT {COLUMNS} FROM task WHERE id = ?", (task,)).fetchone()
        return Row._make(found) if found else None

    def _end(self, seq: int, state: str, event: Json, error: Json | None = None) -> None:
        """Set a terminal state and append its event, within the caller's transaction."""
        task = self._db.execute(
            "UPDATE task SET state = ?, finished = ?, lease = NULL, boot = NULL, error = ? WHERE seq = ? RETURNING id",
            (state, self._clock(), compact(error) if error else None, seq),
        ).fetchone()[0]
        self._event(seq, task, state, event)
