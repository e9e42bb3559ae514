"""The SQLite index at <common>/maw/index.db: what is recorded on which commit, ready to be asked.

It holds nothing that is not in the notes and commits, so it may be deleted at any time: a missing, damaged or
differently versioned one is made anew. It knows the tips of the notes refs it was made from; when one moved, only
the notes that differ between the two trees are read again. Where it cannot be written (a read-only file system, another
user's repository), a copy in memory takes its place.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sqlite3
import urllib.parse
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from maw import paths
from maw.errors import FatalError
from maw.finding import SEVERITIES
from maw.git import refs
from maw.git.repo import Repo
from maw.indexfile import IndexFile, version_of, writing
from maw.memory import query, reachable
from maw.memory.query import COSTS, Filters, Page, Query, Row
from maw.record import KINDS

SCHEMA_VERSION = 8  # another one in the file: it is made anew
BUSY_TIMEOUT = 60.0  # seconds to wait for another process, which may be making a first index

SCHEMA = f"""
CREATE TABLE tips (kind TEXT PRIMARY KEY, tip TEXT NOT NULL);
CREATE TABLE roots ( -- where refs and HEADs pointed when `reach` was told
  oid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE notes (
  note INTEGER PRIMARY KEY,
  ref_kind TEXT NOT NULL,
  oid TEXT NOT NULL,      -- the commit
  blob TEXT NOT NULL,     -- what was read, so that a tree that only changed its layout is not read again
  reach INTEGER,          -- 0: no branch, tag or HEAD has the commit; NULL: not told yet (reachable.py)
  UNIQUE (ref_kind, oid));
CREATE INDEX notes_untold ON notes (oid) WHERE reach IS NULL;
CREATE TABLE records (
  number INTEGER PRIMARY KEY,
  note INTEGER NOT NULL REFERENCES notes (note) ON DELETE CASCADE,
  oid TEXT NOT NULL,
  id TEXT NOT NULL, kind TEXT NOT NULL, ts TEXT NOT NULL, time INTEGER NOT NULL,
  status TEXT NOT NULL, verdict TEXT, standing TEXT NOT NULL,
  worst INTEGER NOT NULL, {", ".join(f"{name} INTEGER NOT NULL" for name in SEVERITIES)},
  bypassed INTEGER NOT NULL, reason TEXT, model TEXT,
  copied INTEGER NOT NULL, -- 1: made for another commit, and carried here
  linked INTEGER NOT NULL, -- 1: the review of the commit that this one was picked from
  run TEXT,                -- node and task: what one run cost counts once, on however many commits it is told
  task TEXT,               -- of the node that answered
  supersedes TEXT,         -- the id of the record whose place this one takes
  generation TEXT,         -- which one a record of kind generate tells of: its files may be in several commits
  {", ".join(f"{name} INTEGER" for name in COSTS)},
  author TEXT NOT NULL, author_key TEXT NOT NULL, committed INTEGER NOT NULL, subject TEXT NOT NULL,
  words TEXT NOT NULL, data BLOB NOT NULL);
-- In the order of lists, with what filters look at: only rows that fit are fetched, which lie all over the file.
CREATE INDEX records_by_time ON records (time, id, oid, kind, status, verdict, worst, author_key, words);
CREATE INDEX records_by_id ON records (id);
CREATE INDEX records_by_note ON records (note);
CREATE INDEX records_by_commit ON records (oid);
CREATE INDEX records_by_task ON records (task) WHERE task IS NOT NULL;
CREATE INDEX records_by_superseded ON records (supersedes) WHERE supersedes IS NOT NULL;
CREATE TABLE findings ( -- which records tell of a finding, and which are feedback on it
  id TEXT NOT NULL,
  number INTEGER NOT NULL REFERENCES records (number) ON DELETE CASCADE,
  part TEXT NOT NULL, -- of the record: findings, rejected, or finding (feedback on it)
  place INTEGER NOT NULL, -- in that part: a record's findings are in the order of its change
  severity TEXT NOT NULL, category TEXT NOT NULL, path TEXT NOT NULL,
  PRIMARY KEY (id, number)) WITHOUT ROWID;
CREATE INDEX findings_by_record ON findings (number);
CREATE TABLE retractions ( -- of feedback: taken back on one commit, it is so wherever git had carried it
  id TEXT NOT NULL,
  note INTEGER NOT NULL REFERENCES notes (note) ON DELETE CASCADE,
  PRIMARY KEY (id, note)) WITHOUT ROWID;
CREATE INDEX retractions_by_note ON retractions (note);
CREATE TABLE paths (
  path TEXT NOT NULL,
  note INTEGER NOT NULL REFERENCES notes (note) ON DELETE CASCADE,
  PRIMARY KEY (path, note)) WITHOUT ROWID;
CREATE INDEX paths_by_note ON paths (note);
"""

# Errors that say nothing against the file: another one would fail likewise.
_NO_DAMAGE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
})  # fmt: skip

# Errors that say that nothing can be written there.
_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
_READ_ONLY_ERRNO = (errno.EROFS, errno.EACCES, errno.EPERM)

_LOOK_EVERY = 10_000  # of SQLite's own steps, between two looks whether a question is still one

Json = dict[str, Any]
Answer = TypeVar("Answer")


class Stopped(FatalError):
    """Nobody wants to know any more."""


class Index(IndexFile):
    """An open index. Use as a context manager; every method raises FatalError when the file cannot be used, as when
    another process keeps it busy or the disk is full."""

    def __init__(self, repo: Repo) -> None:
        path = os.path.join(repo.maw_dir, "index.db")
        pragma = "PRAGMA foreign_keys = ON"
        super().__init__(path, schema=SCHEMA, version=SCHEMA_VERSION, pragma=pragma, timeout=BUSY_TIMEOUT)
        self.repo = repo
        self._writable = True

    def refresh(self, *, told: Callable[[], None] = lambda: None) -> bool:
        """Bring the index up to the notes and branches; False when lists say what they did. `told` is called before
        work that may take long."""
        tips, roots = current_tips(self.repo), refs.roots(self.repo)
        return self._healed(lambda db: self._refresh(db, tips, roots, told))

    def history(
        self, filters: Filters = query.ALL, limit: int = query.DEFAULT_LIMIT, before: str | None = None
    ) -> Page:
        """A page of records, newest first. `before` is the `next` of the page before. Raises ValueError for a cursor
        that is none. The index is asked as it is: call refresh first."""
        asked = query.build(filters, limit, before)
        return self._healed(lambda db: _page(db, asked, limit, filters.commits))

    def numbers(
        self, filters: Filters = query.ALL, *, first: int = 0, begun: Callable[[array[int]], None] = lambda _: None
    ) -> array[int]:
        """The numbers of all records that fit, newest first: eight bytes each, good until the next refresh. `begun` is
        called with the `first` of them as soon as they are known. maw/memory/listing.py has what to do with them."""
        asked = query.build_numbers(filters)

        def ask(db: sqlite3.Connection) -> array[int]:
            _want(db, filters.commits)
            rows = db.cursor()
            rows.row_factory = None
            found = chain.from_iterable(rows.execute(asked.sql, asked.values))
            numbers = array("q", islice(found, first))
            begun(numbers[:])
            numbers.extend(found)
            return numbers

        return self._healed(ask)

    @contextlib.contextmanager
    def stoppable(self, stopped: Callable[[], bool]) -> Iterator[None]:
        """Within, a question ends in Stopped soon after `stopped` has become true."""
        self._healed(lambda db: db.set_progress_handler(stopped, _LOOK_EVERY))
        try:
            yield
        finally:
            if self._db is not None:
                self._db.set_progress_handler(None, 0)

    def tuples(self, asked: Query, commits: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a question of query.py; `commits` are those of its filters. The index is asked as it is."""

        def answer(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
            _want(db, commits)
            rows = db.cursor()
            rows.row_factory = None  # plain tuples: there may be a million
            return rows.execute(asked.sql, asked.values).fetchall()

        return self._healed(answer)

    def with_finding(self, start: str) -> list[tuple[str, Json]]:
        """Commits and reviews on them that tell of a finding whose id starts so; commits that are gone come first."""
        return self._records(
            "SELECT DISTINCT r.oid, r.data, r.committed FROM findings AS f JOIN records AS r ON r.number = f.number"
            " WHERE r.kind = 'review' AND f.id >= ? AND f.id < ? ORDER BY r.committed, r.copied",
            [start, start + "\U0010ffff"],
        )

    def with_patch(self, patch_id: str | None) -> list[tuple[str, Json]]:
        """Commits and reviews on them that are good for a patch, by what they say themselves."""
        if patch_id is None:
            return []
        sql = "SELECT r.oid, r.data FROM records AS r WHERE r.kind = 'review' AND instr(r.data, CAST(? AS BLOB))"
        return [
            (oid, data)
            for oid, data in self._records(sql, [patch_id])
            if data.get("commit_patch_id") == patch_id
            or (data.get("patch_id") == patch_id and data.get("has_binary") is False)
        ]

    def feedback(self, commit: str | None = None) -> list[tuple[str, Json]]:
        """Commits and the feedback on them, oldest first; None: all of it."""
        return self._records(
            "SELECT r.oid, r.data FROM records AS r WHERE r.kind = 'feedback' AND (?1 IS NULL OR r.oid = ?1)"
            " ORDER BY r.time, r.id, r.oid",
            [commit],
        )

    def generations(self, statuses: Sequence[str], most: int) -> list[tuple[str, Json]]:
        """Commits and what was generated in them with one of these statuses, the newest `most` first."""
        return self._records(
            "SELECT r.oid, r.data FROM records AS r"  # noqa: S608 - our own text
            f" WHERE r.kind = 'generate' AND r.status IN ({query.marks(statuses)})"
            f" ORDER BY r.time DESC, r.id DESC, r.committed DESC LIMIT {most:d}",
            list(statuses),
        )

    def last_feedback(self, by: str) -> Json | None:
        """The newest feedback record of one person."""
        return next((data for _, data in reversed(self.feedback()) if data.get("by") == by), None)

    def commits_with(self, record_id: str) -> list[str]:
        """The commits on which a record stands: git carries notes along."""
        return [oid for oid, _ in self._records("SELECT r.oid, r.data FROM records AS r WHERE r.id = ?", [record_id])]

    def select(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Rows of a question that another module put together. The index is asked as it is."""
        return self._healed(lambda db: db.execute(sql, values).fetchall())

    def _records(self, sql: str, values: list[str | None]) -> list[tuple[str, Json]]:
        return [(row["oid"], json.loads(row["data"])) for row in self.select(sql, values)]

    def commits(self, kind: str, statuses: Sequence[str]) -> list[str]:
        """The commits with a record of this kind and one of these statuses. The index is asked as it is."""
        asked = f"SELECT DISTINCT oid FROM records WHERE kind = ? AND status IN ({query.marks(statuses)})"  # noqa: S608 - our own text
        return self._healed(lambda db: [str(row["oid"]) for row in db.execute(asked, (kind, *statuses))])

    def _refresh(self, db: sqlite3.Connection, tips: dict[str, str], roots: set[str], told: Callable[[], None]) -> bool:
        stale = _stored_tips(db) != tips
        if not stale and reachable.stored_roots(db) == roots:
            return False
        with writing(db):
            if stale:
                from maw.memory import indexer  # pygit2: not needed while nothing changed

                # The stored tips again: another process may have been faster.
                indexer.update(db, self.repo, _stored_tips(db), tips, told)
            return reachable.update(db, self.repo, roots) or stale

    def _healed(self, use: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Use the database; when it turns out to be damaged, make it anew once, and when nothing can be written there,
        go on in memory."""
        try:
            return use(self._connection())
        except sqlite3.DatabaseError as exc:
            self.close()
            if _primary_code(exc) not in _NO_DAMAGE:
                self._renew()
            elif _primary_code(exc) in _READ_ONLY and self._writable and not self._may_write():
                self._writable = False
            else:
                raise self._unusable(exc) from exc
        try:
            return use(self._connection())
        except sqlite3.DatabaseError as exc:
            raise self._unusable(exc) from exc

    def _unusable(self, exc: sqlite3.DatabaseError) -> FatalError:
        if _primary_code(exc) == sqlite3.SQLITE_INTERRUPT:
            return Stopped("the question was taken back")
        if _primary_code(exc) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return FatalError(f"{self.path} is in use by another process", hint="try again when that one is done")
        return FatalError(f"{self.path} cannot be used: {exc}", hint="it is only an index and may be deleted")

    def _place(self) -> sqlite3.Connection:
        self._writable = self._writable and self._have_folder()
        return self._open(self.path) if self._writable else self._copy()

    def _open(self, path: str) -> sqlite3.Connection:
        db = super()._open(path)
        db.row_factory = sqlite3.Row
        return db

    def _renew(self) -> None:
        """Delete the index, or leave it aside where that is not allowed. Raises OSError for other reasons."""
        try:
            self.remove()
        except OSError as exc:
            if exc.errno not in _READ_ONLY_ERRNO:
                raise
            self._writable = False

    def _may_write(self) -> bool:
        folder = os.path.dirname(self.path)
        return os.access(folder, os.W_OK) and (os.access(self.path, os.W_OK) or not os.path.exists(self.path))

    def _have_folder(self) -> bool:
        """Make the index's folder; False where that is not allowed. Raises OSError for other reasons."""
        try:
            paths.make_private_dir(self.repo.maw_dir)
        except OSError as exc:
            if exc.errno not in _READ_ONLY_ERRNO:
                raise
            return False
        return True

    def _copy(self) -> sqlite3.Connection:
        """A database in memory, with what the file says where that can be read and used."""
        if os.path.exists(self.path) and not os.path.exists(self.path + "-journal"):
            address = f"file:{urllib.parse.quote(self.path)}?immutable=1"
            with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(address, uri=True)) as file:
                db = self._open(":memory:")
                file.backup(db)
                if version_of(db) == SCHEMA_VERSION and _is_whole(db):
                    return db
        return self._open(":memory:")


def current_tips(repo: Repo) -> dict[str, str]:
    """The notes refs' tips by kind."""
    return {kind: tip for kind, tip in refs.tips(repo, refs.NOTES).items() if kind in KINDS}


def _primary_code(exc: sqlite3.Error) -> int:
    """SQLite's result code without its extended part; 0 for an error of Python's module."""
    return (getattr(exc, "sqlite_errorcode", 0) or 0) & 0xFF


def _is_whole(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _stored_tips(db: sqlite3.Connection) -> dict[str, str]:
    return {row["kind"]: row["tip"] for row in db.execute("SELECT kind, tip FROM tips")}


def _page(db: sqlite3.Connection, asked: query.Query, limit: int, commits: Sequence[str] | None) -> Page:
    _want(db, commits)
    found = db.execute(asked.sql, asked.values).fetchall()
    rows, more = found[:limit], len(found) > limit
    following = query.cursor(rows[-1]["time"], rows[-1]["id"], rows[-1]["oid"]) if more and rows else None
    return Page([row_of(row) for row in rows], following)


def _want(db: sqlite3.Connection, commits: Sequence[str] | None) -> None:
    """Put the commits where query.py's condition on them looks."""
    if commits is not None:
        db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (oid TEXT PRIMARY KEY)")
        db.execute("DELETE FROM wanted")
        db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((oid,) for oid in commits))


def row_of(row: sqlite3.Row) -> Row:
    return Row(
        id=row["id"],
        commit=row["oid"],
        kind=row["kind"],
        ts=row["ts"],
        time=row["time"],
        status=row["status"],
        verdict=row["verdict"],
        standing=row["standing"],
        counts={name: row[name] for name in SEVERITIES if row[name]},
        bypassed=bool(row["bypassed"]),
        reason=row["reason"],
        model=row["model"],
        author=row["author"],
        committed=row["committed"],
        subject=row["subject"],
        data=row["data"],
        unreachable=row["reach"] == 0,
    )


def record_of(row: Row) -> dict[str, Any]:
    """The whole record of a row."""
    data = json.loads(row.data)
    assert isinstance(data, dict)
    return data
