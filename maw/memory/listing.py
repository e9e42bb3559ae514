"""What a list of any length needs of the index beside Index.numbers: the rows where somebody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from maw.memory.index import Index, row_of
from maw.memory.query import Row
from maw.memory.wording import Said, said_of

AT_ONCE = 500  # values of one question; SQLite takes 999 everywhere


def rows(index: Index, wanted: Sequence[int]) -> list[Row]:
    """The rows of these numbers, in their order; those that are gone are left out."""
    found = {}
    for part in _parts(wanted):
        sql = f"SELECT * FROM records WHERE number IN ({_marks(part)})"  # noqa: S608 - our own text
        found.update({row["number"]: row_of(row) for row in index.select(sql, part)})
    return [found[number] for number in wanted if number in found]


def kinds(index: Index, commits: Iterable[str]) -> dict[str, list[str]]:
    """Which kinds of records stand on each commit."""
    found: dict[str, list[str]] = {}
    for part in _parts(list(commits)):
        sql = f"SELECT DISTINCT oid, kind FROM records WHERE oid IN ({_marks(part)}) ORDER BY kind"  # noqa: S608 - our own text
        for row in index.select(sql, part):
            found.setdefault(row["oid"], []).append(row["kind"])
    return found


def said(index: Index, commits: Iterable[str]) -> Said:
    """The last word about the findings on these commits."""
    found: Said = {}
    for part in _parts(list(commits)):
        sql = f"SELECT oid, data FROM records WHERE kind = 'feedback' AND oid IN ({_marks(part)}) ORDER BY time, id"  # noqa: S608 - our own text
        found.update(said_of((row["oid"], json.loads(row["data"])) for row in index.select(sql, part)))
    return found


def commit_of_task(index: Index, task: str) -> str | None:
    """The commit with what came of a task, whatever its node is called here; the newest, where git carried that on."""
    end = f"/{task}"
    found = index.select(
        "SELECT oid FROM records WHERE substr(run, -?) = ? AND author <> '' ORDER BY committed DESC, time DESC LIMIT 1",
        [len(end), end],
    )
    return str(found[0]["oid"]) if found else None


def _parts(values: Sequence[object]) -> Iterable[Sequence[object]]:
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
