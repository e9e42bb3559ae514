"""What the model said about units, kept in a file of the runner's, so that an unchanged unit is never judged twice.

Nothing hangs on it: whatever is wrong with the file is told in the log, and the review goes on without it. It is
bounded by size and by how long nobody asked; a file that is broken or of another version is replaced.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from maw_remote.queue.database import is_corrupt, transaction

log = logging.getLogger(__name__)
T = TypeVar("T")
SIZE_MAX = 64 * 1024 * 1024  # bytes of all that is kept
_ROW = 200  # bytes beside a row's body
_VERSION = 1
_SCHEMA = (
    "DROP TABLE IF EXISTS unit",
    "CREATE TABLE unit (key TEXT PRIMARY KEY, body BLOB NOT NULL, made REAL NOT NULL, used REAL NOT NULL)",
    "CREATE INDEX unit_used ON unit (used)",
    f"PRAGMA user_version = {_VERSION}",
)
_LOOK = "UPDATE unit SET used = ? WHERE key = ? AND made >= ? RETURNING body"
_TOO_MUCH = """DELETE FROM unit WHERE key IN (SELECT key FROM
    (SELECT key, sum(length(body) + ?) OVER (ORDER BY used DESC, key) AS total FROM unit) WHERE total > ?)"""


class Cache:
    """`age`: seconds for which something is kept that nobody asks for. Its methods may be called from any thread."""

    def __init__(self, path: str, *, age: float, size: int = SIZE_MAX, clock: Callable[[], float] = time.time) -> None:
        self._path, self._age, self._size, self._clock = path, age, size, clock
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def known(self, keys: Sequence[str], since: float = 0.0) -> Mapping[str, bytes]:
        """What is kept under these keys, unless it is from before `since`."""

        def look(db: sqlite3.Connection) -> dict[str, bytes]:
            now = self._clock()
            with transaction(db):
                rows = {key: db.execute(_LOOK, (now, key, since)).fetchone() for key in keys}
            return {key: row[0] for key, row in rows.items() if row is not None}

        return self._do(look) or {}

    def keep(self, key: str, body: bytes) -> None:
        now = self._clock()
        self._do(lambda db: db.execute("INSERT OR REPLACE INTO unit VALUES (?, ?, ?, ?)", (key, body, now, now)))

    def close(self) -> None:
        """Drop what is too old or too much, and let go of the file."""
        self._do(self._prune)
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _prune(self, db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM unit WHERE used < ?", (self._clock() - self._age,))
        db.execute(_TOO_MUCH, (_ROW, self._size))

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        with self._lock:
            try:
                self._db = self._db or _open(self._path)
                return work(self._db)
            except (sqlite3.Error, OSError) as exc:
                log.warning("what is known of units cannot be used", extra={"file": self._path, "error": str(exc)})
                if isinstance(exc, sqlite3.Error) and is_corrupt(exc):
                    self._begin_anew()
                return None

    def _begin_anew(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None
        _remove(self._path)


def _open(path: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        with transaction(db):
            if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                for statement in _SCHEMA:
                    db.execute(statement)
    except BaseException:
        db.close()
        raise
    return db


def _remove(path: str) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(path + end)
