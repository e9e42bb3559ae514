"""What a list of any length needs of the index beside Index.numbers: the rows where somebody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeVar

from maw.memory.index import Index, row_of
from maw.memory.query import ROW, Row, marks
from maw.memory.wording import Said, said_of
from maw.record import Json

Value = TypeVar("Value")
OF_TASK = "SELECT oid FROM records WHERE task = ? AND author <> '' ORDER BY committed DESC, time DESC LIMIT 1"
AT_ONCE = 500  # values of one question; SQLite takes 999 everywhere


def rows(index: Index, wanted: Sequence[int]) -> list[Row]:
    """The rows of these numbers, in their order; those that are gone are left out."""
    found = numbered(index, wanted)
    return [found[number] for number in wanted if number in found]


def numbered(index: Index, wanted: Sequence[int]) -> dict[int, Row]:
    """The rows of these numbers, by number, without those that are gone."""
    found = {}
    for part in parts(wanted):
        sql = f"SELECT {ROW} FROM records AS r WHERE r.number IN ({marks(part)})"  # noqa: S608 - our own text
        found.update({row["number"]: row_of(row) for row in index.select(sql, part)})
    return found


def numbers_on(index: Index, commit: str) -> frozenset[int]:
    """The numbers of the records on a commit."""
    return frozenset(row["number"] for row in index.select("SELECT number FROM records WHERE oid = ?", [commit]))


def kinds(index: Index, commits: Iterable[str]) -> dict[str, list[str]]:
    """Which kinds of records stand on each commit."""
    found: dict[str, list[str]] = {}
    for part in parts(list(commits)):
        sql = f"SELECT DISTINCT oid, kind FROM records WHERE oid IN ({marks(part)}) ORDER BY kind"  # noqa: S608 - our own text
        for row in index.select(sql, part):
            found.setdefault(row["oid"], []).append(row["kind"])
    return found


def said(index: Index, commits: Iterable[str]) -> Said:
    """The last word about the findings on these commits."""
    found: Said = {}
    for part in parts(list(commits)):
        sql = f"SELECT oid, data FROM records WHERE kind = 'feedback' AND oid IN ({marks(part)}) ORDER BY time, id"  # noqa: S608 - our own text
        found.update(said_of((row["oid"], json.loads(row["data"])) for row in index.select(sql, part)))
    return found


def commit_of_task(index: Index, task: str) -> str | None:
    """The commit with what came of a task, whatever its node is called here; the newest, where git carried that on."""
    found = index.select(OF_TASK, [task])
    return str(found[0]["oid"]) if found else None


def feedback(index: Index, findings: Sequence[str]) -> list[Json]:
    """What was said of these findings, the oldest first."""
    found: list[tuple[int, str, Json]] = []
    for part in parts(findings):
        sql = (
            "SELECT r.time, r.id, r.data FROM findings AS f JOIN records AS r ON r.number = f.number"  # noqa: S608 - our own text
            f" WHERE f.part = 'finding' AND f.id IN ({marks(part)})"
        )
        found += [(row["time"], row["id"], json.loads(row["data"])) for row in index.select(sql, part)]
    return [data for _, _, data in sorted(found, key=lambda each: each[:2])]


def parts(values: Sequence[Value]) -> Iterable[Sequence[Value]]:
    """As many values at once as a question may have."""
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
