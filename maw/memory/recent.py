"""Findings and models that somebody may want to name now: read in a moment, from what lies here, and written nowhere.

The index is asked as it is; a finding that it does not know yet waits in a file (pending, known or spool).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from itertools import chain
from typing import Any

from maw import paths
from maw.attendant import pending, spool
from maw.finding import Finding
from maw.git.repo import Repo
from maw.review import known
from maw.review.outcome import read_findings

MOST = 200  # of the index
_WAIT = 0.2  # seconds for a process that writes the index
_SQL = """
SELECT f.id, f.severity, f.path FROM records r JOIN findings f ON f.number = r.number
WHERE r.kind = 'review' AND f.part = 'findings' ORDER BY r.time DESC LIMIT ?"""


def findings(repo: Repo) -> dict[str, str]:
    """The newest ones: ids, and what each is about."""
    found: dict[str, str] = {}
    for name, severity, path in chain(_waiting(repo), _asked(repo, _SQL)):
        found.setdefault(name, f"{severity} {path}")
    return found


def _waiting(repo: Repo) -> Iterator[tuple[str, ...]]:
    records = chain(
        pending.all_waiting(repo),
        known.records(repo),
        (entry.record for entry in spool.entries(repo) if entry.record is not None and entry.kind == "review"),
    )
    for data in sorted(records, key=lambda data: str(data.get("ts")), reverse=True):
        for finding in _of(data):
            yield finding.id, finding.severity, finding.path


def _of(data: dict[str, Any]) -> list[Finding]:
    items = data.get("findings")
    return list(read_findings(items)[0]) if isinstance(items, list) else []


def models(repo: Repo) -> list[str]:
    """Those that the reviews here were made by."""
    rows = _asked(repo, "SELECT DISTINCT model FROM records WHERE model IS NOT NULL ORDER BY model LIMIT ?")
    return [name for (name,) in rows]


def known_models(repo: Repo | None) -> list[str]:
    """The models that are here, and those that the reviews of a repository were made by."""
    here = sorted(name[:-5] for name in _names(paths.model_dir()) if name.endswith(".json"))
    return list(dict.fromkeys([*here, *(models(repo) if repo is not None else ())]))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:  # there is none
        return []


def _asked(repo: Repo, sql: str) -> list[tuple[str, ...]]:
    path = urllib.parse.quote(os.path.join(repo.maw_dir, "index.db"))
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_WAIT)) as db:
            return db.execute(sql, (MOST,)).fetchall()
    except sqlite3.Error:  # there is none, or another maw's: nothing is known
        return []
