"""The SQLite index at <common>/maw/messages.db: past commits with their messages, found again by what they changed.

It follows HEAD, that of each worktree: what left their history (a rebase, another branch) leaves the index, what came
is added. It holds nothing that is not in the commits, so it may be deleted at any time: a damaged or differently
versioned one is made anew. The profile lies beside it in a file of its own (store.py), for hooks, which cannot afford
to open a database.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from maw import paths
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import GitError, git, of
from maw.git.worktrees import heads
from maw.indexfile import IndexFile, writing
from maw.light import NamedTuple
from maw.messages import features, log, profile, store
from maw.messages.profile import Profile

SCHEMA_VERSION = 1  # another one in the file: it is made anew
COMMITS_MAX = 20_000  # of HEAD's history that are known
PATCHES_MAX = 2_000  # of these, the newest, whose changed identifiers are
PROFILED = 500  # messages that make the profile
BUSY_TIMEOUT = 30.0  # seconds to wait for another process, which may be making a first index
TOLD_EVERY = 1000  # commits

_SCHEMA = """
CREATE TABLE commits (
  number INTEGER PRIMARY KEY, oid TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, message TEXT NOT NULL);
CREATE INDEX commits_by_time ON commits (time);
CREATE VIRTUAL TABLE words USING fts5 (paths, names, tokenize = "unicode61 tokenchars '_'");
CREATE TABLE liked (oid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE tip (oid TEXT NOT NULL);
"""

Told = Callable[[int], None]  # how many commits were read


class Example(NamedTuple):
    """A past change's message. `liked`: its author took a suggestion of maw's, or made his own of it."""

    oid: str
    message: str
    paths: str
    liked: bool


class MessageIndex(IndexFile):
    """An open index. Use as a context manager. Methods raise FatalError where it cannot be used, and GitError."""

    def __init__(self, repo: Repo, *, timeout: float = BUSY_TIMEOUT) -> None:
        path = os.path.join(repo.maw_dir, "messages.db")
        pragma = "PRAGMA synchronous = OFF"  # a power cut may damage it: then it is made anew
        super().__init__(path, schema=_SCHEMA, version=SCHEMA_VERSION, pragma=pragma, timeout=timeout)
        self.repo = repo

    def refresh(self, *, told: Told = lambda _: None) -> Profile:
        """Bring the index and the profile up to HEAD. `told` hears now and then how many commits were read."""
        tips = heads(self.repo)
        if not tips:
            return Profile()  # nothing was committed yet
        with self._used() as db:
            if _tips(db) == tips and (known := store.load(self.repo)) is not None:
                return known
            with writing(db):
                if _tips(db) != tips:
                    _Update(db, self.repo, told).to(tips)
                found = profile.make(_newest(db))
            store.save(self.repo, found)
            return found

    def like(self, oids: Sequence[str]) -> None:
        """Prefer the messages of these commits as examples."""
        with self._used() as db, writing(db):
            db.execute("DELETE FROM liked")
            db.executemany("INSERT OR IGNORE INTO liked VALUES (?)", ((oid,) for oid in oids))

    def similar(
        self, changed: Sequence[str], names: Sequence[str], *, most: int, without: Sequence[str] = ()
    ) -> list[Example]:
        """The messages of the changes most like one of the paths `changed` and the identifiers `names`."""
        query = _query(features.path_words(changed), features.name_words(names))
        if not query:
            return []
        with self._used() as db:
            rows = db.execute(_SIMILAR, (query, 8 * most + len(without))).fetchall()
        examples: list[Example] = []
        seen: set[str] = set()
        for oid, message, where, liked in rows:
            if oid not in without and message not in seen and len(examples) < most:
                seen.add(message)
                examples.append(Example(oid, message, where, bool(liked)))
        return examples

    @contextlib.contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.OperationalError as exc:  # busy, full, read-only, or a SQLite without FTS5
            raise FatalError(
                f"{self.path} cannot be used: {exc}", hint="it is only an index, and done without"
            ) from exc
        except sqlite3.DatabaseError as exc:
            self.remove()
            raise FatalError(f"{self.path} was damaged, and is made anew the next time: {exc}") from exc

    def _place(self) -> sqlite3.Connection:
        paths.make_private_dir(self.repo.maw_dir)
        return super()._place()


# The best of the best matches; a liked one counts for more than a slightly better match (bm25 is negative).
_SIMILAR = """
SELECT oid, message, paths, liked FROM (
  SELECT commits.oid, commits.message, words.paths, liked.oid IS NOT NULL AS liked, commits.time,
    bm25(words, 4.0, 1.0) AS score
  FROM words JOIN commits ON commits.number = words.rowid LEFT JOIN liked ON liked.oid = commits.oid
  WHERE words MATCH ? ORDER BY score LIMIT ?)
ORDER BY score * (1 + 0.5 * liked), time DESC
"""
_QUERY_WORDS = 24  # of each kind; a query of hundreds takes a second in a large index


class _Update:
    """Runs inside a transaction."""

    def __init__(self, db: sqlite3.Connection, repo: Repo, told: Told) -> None:
        self._db = db
        self._repo = repo
        self._told = told
        self._read = 0

    def to(self, tips: set[str]) -> None:
        old = _tips(self._db)
        gone = self._gone(old, tips) if old else None
        if gone is None:
            self._all(tips)
        else:
            self._forget(gone)
            log.read(self._repo, _only(tips, old), self._add, most=COMMITS_MAX, patches=log.has_patches(self._repo))
        self._trim()
        self._db.execute("DELETE FROM tip")
        self._db.executemany("INSERT INTO tip VALUES (?)", ((tip,) for tip in tips))

    def _gone(self, old: set[str], tips: set[str]) -> list[str] | None:
        """What no HEAD's history has any more; None where that cannot be told, or is so much that all is read anew."""
        asked = ("rev-list", "--no-merges", f"--max-count={COMMITS_MAX // 4}", *_only(old, tips))
        try:
            found = git(*of(self._repo.common_dir), *asked, cwd=self._repo.common_dir).decode("ascii").split()
        except GitError:
            return None
        return found if len(found) < COMMITS_MAX // 4 else None

    def _all(self, tips: set[str]) -> None:
        self._db.execute("DELETE FROM commits")
        self._db.execute("DELETE FROM words")
        deep = PATCHES_MAX if log.has_patches(self._repo) else 0
        if deep:
            log.read(self._repo, [*tips], self._add, most=deep, patches=True)
        log.read(self._repo, [f"--skip={deep}", *tips], self._add, most=COMMITS_MAX - deep, patches=False)

    def _add(self, commit: log.Commit) -> None:
        self._read += 1
        if self._read % TOLD_EVERY == 0:
            self._told(self._read)
        if not profile.counts(commit.message, commit.author):
            return
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO commits (oid, time, message) VALUES (?, ?, ?)",
            (commit.oid, commit.time, commit.message[: store.MESSAGE_MAX]),
        )
        if not cursor.rowcount:
            return
        names = features.name_words(features.names(features.changed_lines(commit.patch)))
        where = " ".join(features.path_words(commit.paths))
        self._db.execute(
            "INSERT INTO words (rowid, paths, names) VALUES (?, ?, ?)", (cursor.lastrowid, where, " ".join(names))
        )

    def _forget(self, oids: Sequence[str]) -> None:
        for oid in oids:
            self._db.execute("DELETE FROM words WHERE rowid = (SELECT number FROM commits WHERE oid = ?)", (oid,))
            self._db.execute("DELETE FROM commits WHERE oid = ?", (oid,))

    def _trim(self) -> None:
        over = self._db.execute("SELECT count(*) FROM commits").fetchone()[0] - COMMITS_MAX
        if over > COMMITS_MAX // 10:
            oldest = self._db.execute("SELECT oid FROM commits ORDER BY time LIMIT ?", (over,)).fetchall()
            self._forget([oid for (oid,) in oldest])


def _query(where: Sequence[str], names: Sequence[str]) -> str:
    """An FTS5 query: any of the words, the longest ones, which tell most."""
    parts = []
    for column, words in (("paths", where), ("names", names)):
        chosen = sorted(dict.fromkeys(words), key=len, reverse=True)[:_QUERY_WORDS]
        if chosen:
            any_of = " OR ".join(f'"{word}"' for word in chosen)
            parts.append(f"{column} : ({any_of})")
    return " OR ".join(parts)


def _tips(db: sqlite3.Connection) -> set[str]:
    """The commits that the index was made from."""
    return {str(oid) for (oid,) in db.execute("SELECT oid FROM tip")}


def _only(these: set[str], without: set[str]) -> list[str]:
    """Revisions: the history of these commits, without that of others."""
    return [*these, *(f"^{oid}" for oid in without)]


def _newest(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT message FROM commits ORDER BY time DESC, number LIMIT ?", (PROFILED,))
    return [message for (message,) in rows]
