"""Which noted commits no branch, tag or HEAD has any more, kept in the index (`notes.reach`).

To walk all of a long history takes a second, so it is done once: from then on git is asked what the refs lost and won
since, which costs as much as that. Runs inside the transaction that Index opened.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterable

from maw.git.repo import Repo
from maw.git.run import OFFLINE, GitError, git, no_git_env, of
from maw.record import KINDS

_SET = f"UPDATE notes SET reach = ? WHERE ref_kind IN ({', '.join(repr(kind) for kind in KINDS)}) AND oid = ?"  # noqa: S608 - our own text
log = logging.getLogger(__name__)


def stored_roots(db: sqlite3.Connection) -> set[str]:
    """What the index knows of: where refs and HEADs pointed."""
    return {row["oid"] for row in db.execute("SELECT oid FROM roots")}


def update(db: sqlite3.Connection, repo: Repo, now: set[str]) -> bool:
    """Bring the index, which may have got notes of more commits, to where refs and HEADs point `now`; whether that
    changed what a list says."""
    before = stored_roots(db)
    changed = before != now and _moved(db, repo, before, now)
    unknown = {row["oid"] for row in db.execute("SELECT oid FROM notes WHERE reach IS NULL")}
    gone = _only_below(repo, unknown, now) & unknown if unknown else set()
    _mark(db, 0, gone)
    _mark(db, 1, unknown - gone)
    return changed or bool(gone)


def _moved(db: sqlite3.Connection, repo: Repo, before: set[str], now: set[str]) -> bool:
    db.execute("DELETE FROM roots")
    db.executemany("INSERT INTO roots VALUES (?)", ((oid,) for oid in now))
    if not before:  # the first index: all of a history is more than what is noted, which is not told yet
        return db.execute("UPDATE notes SET reach = NULL WHERE reach IS NOT NULL").rowcount > 0
    try:
        lost, won = _below(repo, before - now, now), _below(repo, now - before, before)
    except GitError:  # what a ref pointed at is gone since
        db.execute("UPDATE notes SET reach = NULL")
        return True
    return bool(_mark(db, 0, lost) + _mark(db, 1, won))


def _only_below(repo: Repo, commits: set[str], roots: set[str]) -> set[str]:
    """Like _below; none where that cannot be told. A note may be on what the repository does not have."""
    try:
        return _below(repo, commits, roots)
    except GitError as exc:
        log.warning("which commits no branch has is not known: %s", exc.message)
        return set()


def _below(repo: Repo, commits: Iterable[str], roots: Collection[str]) -> set[str]:
    """These commits and their ancestors, without the `roots` and theirs."""
    asked = [*commits, *(f"^{oid}" for oid in roots)]
    if not asked or asked[0].startswith("^"):
        return set()
    rows = [row.split() for row in _walked(repo, asked, "--parents")]
    found = {row[0] for row in rows}
    # git looks no further than dates tell it to. Where a history began with a clock that was ahead, that is not far
    # enough, and shows by a commit without parents: on the way down to one nothing was met that the roots have.
    if any(len(row) == 1 for row in rows):
        found.difference_update(_walked(repo, roots))
    return found


def _walked(repo: Repo, asked: Iterable[str], *options: str) -> list[str]:
    command = (*of(repo.common_dir), "rev-list", "--ignore-missing", *options, "--stdin")
    stdin = "".join(f"{oid}\n" for oid in asked).encode("ascii")
    told = git(*command, cwd=repo.common_dir, env={**no_git_env(), **OFFLINE}, stdin=stdin)
    return told.decode("ascii").splitlines()


def _mark(db: sqlite3.Connection, reach: int, commits: Iterable[str]) -> int:
    """Those of these commits that have notes; how many notes that are."""
    return max(db.executemany(_SET, ((reach, oid) for oid in commits)).rowcount, 0)
