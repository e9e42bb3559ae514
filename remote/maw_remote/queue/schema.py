"""The tables, and the migrations that make them. A migration's name is recorded in the transaction that ran it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from maw.errors import FatalError

# Payloads and results lie in tables of their own, so that no claim, list or count reads past a large diff.
# AUTOINCREMENT, because ids must keep rising when retention deletes the newest rows.
_M001 = (
    """CREATE TABLE task (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        profile TEXT NOT NULL,
        key TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'dead')),
        priority INTEGER NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        token INTEGER NOT NULL DEFAULT 0,
        created REAL NOT NULL,
        run_at REAL NOT NULL,
        started REAL,
        finished REAL,
        deadline REAL,
        lease REAL,
        boot TEXT,
        cancel TEXT,
        keep INTEGER NOT NULL DEFAULT 0,
        waiters INTEGER NOT NULL DEFAULT 1,
        title TEXT NOT NULL DEFAULT '',
        error TEXT
    )""",
    "CREATE TABLE payload (task INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE result (task INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task INTEGER NOT NULL,
        type TEXT NOT NULL,
        ts REAL NOT NULL,
        data TEXT NOT NULL
    )""",
    # One live task a key. One that is being cancelled is no company to join: it makes room for a successor at once.
    "CREATE UNIQUE INDEX live_key ON task (key) WHERE state IN ('queued', 'running') AND cancel IS NULL",
    "CREATE INDEX answer ON task (key, seq) WHERE state = 'done'",
    # In the claim's own order, and with all that it asks, so that finished tasks cost it nothing.
    "CREATE INDEX claimable ON task (priority DESC, seq, kind, run_at) WHERE state = 'queued'",
    "CREATE INDEX due ON task (deadline) WHERE state IN ('queued', 'running') AND deadline IS NOT NULL",
    "CREATE INDEX ended ON task (finished) WHERE finished IS NOT NULL",
    "CREATE INDEX by_state ON task (state, seq)",
    "CREATE INDEX event_of_task ON event (task, id)",
)


def m001_tasks(db: sqlite3.Connection) -> None:
    for statement in _M001:
        db.execute(statement)


def m002_fresh(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE task ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0")


def m003_clients(db: sqlite3.Connection) -> None:
    """Who waits, so that a person who cancels calls off what is theirs: JSON, waiters by client."""
    db.execute("ALTER TABLE task ADD COLUMN clients TEXT NOT NULL DEFAULT '{}'")


def m004_put_off(db: sqlite3.Connection) -> None:
    """Whether a task's priority is that of the background only because nobody waits for it at the moment."""
    db.execute("ALTER TABLE task ADD COLUMN put_off INTEGER NOT NULL DEFAULT 0")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (m001_tasks, m002_fresh, m003_clients, m004_put_off)


def migrate(db: sqlite3.Connection, path: str) -> None:
    """Bring the schema up to date, all or nothing. Raises FatalError for a file that a newer maw has written."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, applied REAL NOT NULL)")
        applied = [name for (name,) in db.execute("SELECT name FROM migration ORDER BY rowid")]
        _refuse_newer(applied, db.execute("PRAGMA user_version").fetchone()[0], path)
        for migration in MIGRATIONS[len(applied) :]:
            migration(db)
            db.execute("INSERT INTO migration VALUES (?, ?)", (migration.__name__, time.time()))
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _refuse_newer(applied: list[str], version: int, path: str) -> None:
    known = [migration.__name__ for migration in MIGRATIONS]
    strange = [name for name in applied if name not in known]
    if strange or version > len(known):
        raise FatalError(
            f"the queue {path} was written by a newer maw ({', '.join(strange) or f'schema {version}'}; "
            f"this one knows schema {len(known)})",
            hint="install that version of git-maw again, or move the file away to start with an empty queue",
        )
