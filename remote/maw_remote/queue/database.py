"""Open the queue's file: pragmas, a check after an unclean end, and a corrupt file moved aside."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator

from maw.errors import FatalError
from maw_remote.queue.schema import migrate

log = logging.getLogger(__name__)
_SUSPECT = ".suspect"
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SYNCHRONOUS = ("normal", "full")


def connect(path: str, synchronous: str = "normal") -> sqlite3.Connection:
    """The queue's connection, schema up to date. `synchronous`: 'normal' survives any death of the process,
    'full' a power cut as well. A corrupt file is kept beside as NAME.corrupt-TIME, and an empty one takes its place.

    Raises FatalError for a newer schema and when there can be no such file, sqlite3.OperationalError when it cannot
    be used.
    """
    try:
        return _open(path, synchronous)
    except OSError as exc:
        raise FatalError(f"{path}: {exc.strerror}", hint="the queue is kept there: free its place") from exc
    except sqlite3.DatabaseError as exc:
        if not is_corrupt(exc):
            raise
    aside = _move_aside(path)
    log.error("the queue was corrupt and starts anew", extra={"file": path, "kept_as": aside})
    return _open(path, synchronous)


def is_corrupt(exc: sqlite3.Error) -> bool:
    """True when the file itself is broken, which no retry mends."""
    code = getattr(exc, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _CORRUPT


def suspect(db: sqlite3.Connection) -> None:
    """The file turned out to be broken in the middle of work: whoever opens it next is to look at all of it."""
    path = db.execute("PRAGMA database_list").fetchone()[2]
    with contextlib.suppress(OSError):
        os.close(os.open(path + _SUSPECT, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _open(path: str, synchronous: str) -> sqlite3.Connection:
    # A clean end checkpoints and removes the WAL; where one lies, the last owner died.
    unclean = os.path.exists(path + "-wal") or os.path.exists(path + _SUSPECT)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {SYNCHRONOUS[SYNCHRONOUS.index(synchronous)]}")
        db.execute("PRAGMA temp_store = MEMORY")
        if unclean:
            _check(db)
        migrate(db, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + _SUSPECT)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        exc = sqlite3.DatabaseError(verdict)
        exc.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise exc


def _move_aside(path: str) -> str:
    aside = f"{path}.corrupt-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + end, aside + end)
    return aside


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of a block or nothing of it. IMMEDIATE, so that a busy file is told at the start and not at the commit."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
