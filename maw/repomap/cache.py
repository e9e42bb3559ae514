"""The cache of what files define, <common>/maw/map.db: by blob id and parser, so that each content is parsed once.

It may be deleted at any time; a damaged or differently versioned one is made anew, and where none can be written one in
memory takes its place. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import types
from collections.abc import Iterable, Iterator

from maw import paths
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.repomap.sources import Stat

SCHEMA_VERSION = 1
KEPT = 60_000  # contents; beyond, the oldest go
_ASKED = 500  # contents that are asked for at once; SQLite takes 999 values
_BUSY = 30.0  # seconds to wait for another process
_RACY = 2_000_000_000  # ns: what changed just before it was read may change again within a tick of the clock
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS tags (
  number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, names TEXT NOT NULL, tags TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  root BLOB NOT NULL, path BLOB NOT NULL, blob TEXT NOT NULL,
  size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, inode INTEGER NOT NULL,
  PRIMARY KEY (root, path)) WITHOUT ROWID;
PRAGMA user_version = {SCHEMA_VERSION};
"""
_TRANSIENT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM})


class Cache:
    """Use as a context manager. Methods raise FatalError when the file cannot be used."""

    def __init__(self, repo: Repo) -> None:
        self.path = os.path.join(repo.maw_dir, "map.db")
        self._root = os.fsencode(repo.root)
        self._db = self._opened(repo)

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._db.close()

    def blobs(self) -> dict[str, tuple[str, Stat]]:
        """The blobs of this worktree's files, and what the files were like when that was found out."""
        sql = "SELECT path, blob, size, mtime, ctime, inode FROM files WHERE root = ?"
        with self._told():
            rows = self._db.execute(sql, (self._root,)).fetchall()
        return {os.fsdecode(path): (blob, Stat(*rest)) for path, blob, *rest in rows}

    def note_blobs(self, found: Iterable[tuple[str, str, Stat]], gone: Iterable[str]) -> None:
        """Keep what blobs files are. What was changed a moment ago is not kept: it would be taken for unchanged."""
        settled = time.time_ns() - _RACY
        rows = [
            (self._root, os.fsencode(path), blob, *stat) for path, blob, stat in found
            if stat.mtime < settled and stat.ctime < settled
        ]  # fmt: skip
        with self._told(), self._db:
            self._db.executemany("DELETE FROM files WHERE root = ? AND path = ?", [
                (self._root, os.fsencode(path)) for path in gone
            ])  # fmt: skip
            self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def names(self, keys: Iterable[str]) -> dict[str, str]:
        """The names of each content that is known (tags.Names), by its key."""
        found: dict[str, str] = {}
        wanted = list(keys)
        with self._told():
            for start in range(0, len(wanted), _ASKED):
                some = wanted[start : start + _ASKED]
                marks = ", ".join("?" * len(some))
                asked = f"SELECT key, names FROM tags WHERE key IN ({marks})"  # noqa: S608 - our own text
                found.update(self._db.execute(asked, some))
        return found

    def tags(self, key: str) -> str | None:
        """The tags of a content as they were put."""
        with self._told():
            row = self._db.execute("SELECT tags FROM tags WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, rows: list[tuple[str, str, str]]) -> None:
        """Keep names and tags by their keys."""
        with self._told(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO tags (key, names, tags) VALUES (?, ?, ?)", rows)
            sql = "DELETE FROM tags WHERE number <= (SELECT max(number) FROM tags) - ?"
            self._db.execute(sql, (KEPT,))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            hint = "it is only a cache and may be deleted"
            raise FatalError(f"{self.path} cannot be used: {exc}", hint=hint) from exc

    def _opened(self, repo: Repo) -> sqlite3.Connection:
        try:
            paths.make_private_dir(repo.maw_dir)
            return _open(self.path)
        except PermissionError:
            return _open(":memory:")
        except sqlite3.DatabaseError as exc:
            code = (getattr(exc, "sqlite_errorcode", 0) or 0) & 0xFF
            if code in _TRANSIENT:
                raise FatalError(f"{self.path} cannot be used: {exc}", hint="try again") from exc
            if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
                return _open(":memory:")
        for suffix in ("", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)
        return _open(self.path)


def _open(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError("another version's")
        if version == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except BaseException:
        db.close()
        raise
    return db
