"""A SQLite file that holds nothing which cannot be made again: opened when it is first used, made anew when it is of
another version. Standard library only."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import types
from collections.abc import Iterator
from typing import Self


class IndexFile:
    """Use as a context manager. `schema` is the SQL that makes it, with statements that end in ";\\n"; its version is
    SQLite's user_version. `pragma` is said at each opening. Seconds to wait for another process: `timeout`."""

    def __init__(self, path: str, *, schema: str, version: int, pragma: str, timeout: float) -> None:
        self.path = path
        self._schema = f"{schema.rstrip()}\nPRAGMA user_version = {version};\n"
        self._version = version
        self._pragma = pragma
        self._timeout = timeout
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def remove(self) -> None:
        """Delete the file; the next use makes it anew."""
        self.close()
        for suffix in ("", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = self._place()
            if version_of(self._db) not in (0, self._version):
                self._renew()
                self._db = self._place()
            if version_of(self._db) == 0:
                self._create(self._db)
        return self._db

    def _place(self) -> sqlite3.Connection:
        """Where to work: the file, for a class that knows no other place."""
        return self._open(self.path)

    def _renew(self) -> None:
        self.remove()

    def _open(self, path: str) -> sqlite3.Connection:
        # isolation_level None: transactions begin and end where we say so.
        db = sqlite3.connect(path, timeout=self._timeout, isolation_level=None)
        try:
            db.execute(self._pragma)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        with writing(db):
            if version_of(db) == 0:  # another process may have been faster
                for statement in self._schema.split(";\n"):
                    db.execute(statement)


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block, or none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
