"""Questions to the index, and their answers as records. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from maw.finding import SEVERITIES

DEFAULT_LIMIT = 50
EXACT, CARRIED, STALE = "exact", "carried", "stale"


class Filters(NamedTuple):
    """What to list; None: everything. Several filters must all hold."""

    author: str | None = None  # part of "Name <email>", any case
    path: str | None = None  # a file, a directory, or a glob whose * also matches /
    severity: str | None = None  # at least this
    verdict: str | None = None
    since: float | None = None  # seconds since 1970, UTC
    until: float | None = None
    text: str | None = None  # part of subject, findings or reason, any case
    kind: str | None = None
    status: str | None = None
    commit: str | None = None  # full id; its records are listed even where a rewritten commit has them too
    commits: Sequence[str] | None = None  # full ids: only records on these


ALL = Filters()


class Row(NamedTuple):
    """One record on one commit. `counts` has the findings by severity, those without any left out."""

    id: str
    commit: str
    kind: str
    ts: str  # as the record says it
    time: int  # milliseconds since 1970
    status: str
    verdict: str | None
    standing: str  # exact: of this very tree; carried: same patch on another tree; stale: of another change
    counts: dict[str, int]
    bypassed: bool
    reason: str | None
    model: str | None
    author: str  # of the commit: "Name <email>"; empty when the repository no longer has the commit
    committed: int  # seconds since 1970
    subject: str
    data: bytes  # the record as it stands in the note

    @property
    def outcome(self) -> str:
        """One word for people: `unreviewed`, or the verdict."""
        return self.status if self.status == "unreviewed" or not self.verdict else self.verdict

    def to_json(self) -> dict[str, Any]:
        """The row without the record's own text, as `maw history --json` prints it."""
        return {"v": 1, **{key: value for key, value in self._asdict().items() if key not in ("data", "time")}}


class Page(NamedTuple):
    """Rows, newest first, and the cursor of the next page; None on the last one."""

    rows: list[Row]
    next: str | None


class Query(NamedTuple):
    sql: str
    values: list[object]


# A commit's note goes along when git rewrites the commit. What stands on several commits is shown on the newest
# of them only; of two in the same second, on the one it was not made for.
_NEWEST_COMMIT = """NOT EXISTS (SELECT 1 FROM records AS o WHERE o.id = r.id AND o.note <> r.note AND o.kind = r.kind
  AND (o.committed, o.copied, o.oid) > (r.committed, r.copied, r.oid))"""


def build(filters: Filters, limit: int, before: str | None) -> Query:
    """The SELECT for a page. Raises ValueError for a cursor that no page gave, or an unknown severity."""
    where: list[str] = []
    values: list[object] = []

    def need(condition: str, *parameters: object) -> None:
        where.append(condition)
        values.extend(parameters)

    for column in ("kind", "status", "verdict"):
        wanted = getattr(filters, column)
        if wanted is not None:
            need(f"r.{column} = ?", wanted)
    if filters.author is not None:
        need("instr(r.author_key, ?)", filters.author.casefold())
    if filters.text is not None:
        need("instr(r.words, ?)", filters.text.casefold())
    if filters.severity is not None:
        need("r.worst >= ?", SEVERITIES.index(filters.severity))
    if filters.since is not None:
        need("r.time >= ?", int(filters.since * 1000))
    if filters.until is not None:
        need("r.time <= ?", int(filters.until * 1000))
    if filters.path is not None:
        condition, parameters = _path_condition(filters.path)
        need(f"r.note IN (SELECT note FROM paths WHERE {condition})", *parameters)  # noqa: S608 - our own text
    if filters.commits is not None:
        need("r.oid IN (SELECT oid FROM wanted)")
    if filters.commit is not None:
        need("r.oid = ?", filters.commit)
    else:
        need(_NEWEST_COMMIT)
    if before is not None:
        need("(r.time, r.id, r.oid) < (?, ?, ?)", *_cursor_values(before))
    sql = (
        f"SELECT r.* FROM records AS r WHERE {' AND '.join(where)} ORDER BY r.time DESC, r.id DESC, r.oid DESC LIMIT ?"  # noqa: S608 - our own text
    )
    return Query(sql, [*values, limit + 1])


def cursor(time: int, record_id: str, oid: str) -> str:
    """Where a page ended: what comes after it on the next."""
    return f"{time}.{oid}.{record_id}"


def _cursor_values(before: str) -> tuple[int, str, str]:
    time, oid, record_id = before.split(".", 2)
    return int(time), record_id, oid


def _path_condition(path: str) -> tuple[str, list[object]]:
    if any(char in path for char in "*?["):
        return "path GLOB ?", [path]
    folder = path.rstrip("/") + "/"
    # '0' is the character after '/': all that starts with the folder's name, found by the table's index.
    return "path = ? OR (path >= ? AND path < ?)", [path.rstrip("/"), folder, folder[:-1] + "0"]
