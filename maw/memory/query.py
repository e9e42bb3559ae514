"""Questions to the index, and their answers as records. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from maw.finding import SEVERITIES

DEFAULT_LIMIT = 50
EXACT, CARRIED, STALE = "exact", "carried", "stale"
COSTS = ("prompt_tokens", "cached_tokens", "completion_tokens", "first_token_ms", "elapsed_ms")  # of `stats`


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
    feedback: bool = True  # whether feedback is listed, too
    leading: bool = False  # one record a commit: its review, or the newest of the others; of `kind`, its newest
    model: str | None = None  # part of the model's name, any case


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
    unreachable: bool = False  # no branch, tag or HEAD has the commit: a reset or a rewrite left it behind

    @property
    def outcome(self) -> str:
        """One word for people: `unreviewed`, or the verdict."""
        return self.status if self.status == "unreviewed" or not self.verdict else self.verdict

    @property
    def late(self) -> bool:
        """Whether it came after the commit, through the outbox."""
        return b'"late":true' in self.data

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


# A commit's note goes along when git rewrites the commit. What stands on several commits is shown on one of them only:
# one that is here, that a branch has, and then the newest; of two in the same second, the one it was not made for.
_PLACE = """{0}.author <> '', (SELECT n.reach IS NOT 0 FROM notes AS n WHERE n.note = {0}.note),
  {0}.committed, {0}.copied, {0}.oid"""
_SHOWN_HERE = f"""NOT EXISTS (SELECT 1 FROM records AS o WHERE o.id = r.id AND o.number <> r.number
  AND o.note <> r.note AND o.kind = r.kind AND ({{among}})
  AND ({_PLACE.format("o")}) > ({_PLACE.format("r")}))"""  # noqa: S608 - our own text
_WANTED = "{0}.oid IN (SELECT oid FROM wanted)"


# What was missing may be there on another commit by now: where git had carried the record that said so.
_NOT_SETTLED = """r.status NOT IN ('unreviewed', 'incomplete')
  OR NOT EXISTS (SELECT 1 FROM records AS o WHERE o.supersedes = r.id AND o.oid <> r.oid)"""


# Of the records on one commit the review leads, then the newest.
_LEADING = """NOT EXISTS (SELECT 1 FROM records AS o WHERE o.oid = r.oid AND o.number <> r.number AND {same}
  AND (o.kind = 'review', o.time, o.id, o.number) > (r.kind = 'review', r.time, r.id, r.number))"""


ROW = "r.*, (SELECT n.reach FROM notes AS n WHERE n.note = r.note) AS reach"  # what Row is made of

Condition = tuple[str, list[object]]


def build(filters: Filters, limit: int, before: str | None) -> Query:
    """The SELECT for a page. Raises ValueError for a cursor that no page gave, or an unknown severity."""
    following: list[Condition] = []
    if before is not None:
        following.append(("(r.time, r.id, r.oid) < (?, ?, ?)", [*_cursor_values(before)]))
    sql, values = _select(ROW, filters, following)
    return Query(f"{sql} LIMIT ?", [*values, limit + 1])


def build_numbers(filters: Filters) -> Query:
    """The SELECT for the numbers of all records, newest first. Raises ValueError for an unknown severity."""
    return _select("r.number", filters, [])


def _select(what: str, filters: Filters, more: list[Condition]) -> Query:
    where, values = _where(filters, *more)
    sql = f"SELECT {what} FROM records AS r WHERE {where} ORDER BY r.time DESC, r.id DESC, r.oid DESC"  # noqa: S608 - our own text
    return Query(sql, values)


_IN_TIME = "ORDER BY +r.time"  # the sign keeps SQLite from fetching row by row in the order of an index


def runs(filters: Filters) -> Query:
    """For statistics, of each record that fits: kind, status, verdict, bypassed, author, model, time, run, generation
    and COSTS, in the order of time. A review that was copied to a picked commit is none of its own."""
    where, values = _where(filters, ("NOT r.linked", []))
    names = ("kind", "status", "verdict", "bypassed", "author", "model", "time", "run", "generation", *COSTS)
    columns = ", ".join(f"r.{name}" for name in names)
    return Query(f"SELECT {columns} FROM records AS r WHERE {where} {_IN_TIME}", values)  # noqa: S608 - our own text


def findings(filters: Filters) -> Query:
    """Of each mention of a finding that fits: id, severity, category, path, and the author, model and time of the
    record, in the order of time. What the model took back is none. Feedback mentions one where no review does: of a
    change that was blocked, and mended before it became a commit."""
    own = "f.part = 'finding' AND NOT EXISTS (SELECT 1 FROM findings AS o WHERE o.id = f.id AND o.part = 'findings')"
    more: list[Condition] = [(f"f.part = 'findings' OR {own}", [])]
    if filters.path is not None:
        more.append(_path_condition(filters.path))
    where, values = _where(filters, *more)
    return Query(
        "SELECT f.id, f.severity, f.category, f.path, r.author, r.model, r.time"  # noqa: S608 - our own text
        f" FROM findings AS f JOIN records AS r ON r.number = f.number WHERE {where} {_IN_TIME}",
        values,
    )


def findings_of(numbers: Sequence[int], filters: Filters) -> Query:
    """The record's number and the id of each finding of these reviews that has the severity and the path of the
    filters."""
    severities = SEVERITIES[SEVERITIES.index(filters.severity or SEVERITIES[0]) :]
    conditions: list[Condition] = [
        (f"number IN ({marks(numbers)})", [*numbers]),
        ("part = 'findings'", []),
        (f"severity IN ({marks(severities)})", [*severities]),
    ]
    if filters.path is not None:
        conditions.append(_path_condition(filters.path))
    where, values = _all(conditions)
    return Query(f"SELECT number, id FROM findings WHERE {where} ORDER BY number, place", values)  # noqa: S608 - our own text


def marks(values: Sequence[object]) -> str:
    """As many of SQL's question marks."""
    return ", ".join("?" * len(values))


def reviewed_paths(filters: Filters) -> Query:
    """The paths that reviewed commits changed, each with the number of the commit's note."""
    more: list[Condition] = [("r.kind = 'review' AND r.status <> 'unreviewed'", [])]
    if filters.path is not None:
        more.append(_path_condition(filters.path))
    where, values = _where(filters, *more)
    return Query(
        f"SELECT p.path, p.note FROM records AS r JOIN paths AS p ON p.note = r.note WHERE {where}",  # noqa: S608 - our own text
        values,
    )


LAST_WORDS = Query(
    "SELECT f.id, r.status FROM findings AS f JOIN records AS r ON r.number = f.number"
    " WHERE f.part = 'finding' ORDER BY r.time, r.id",
    [],
)  # what people said of findings, in order: the last word about one counts


def _where(filters: Filters, *more: Condition) -> Condition:
    """All the conditions as one."""
    return _all([*_facts(filters), *_place(filters), *more])


def _all(conditions: Sequence[Condition]) -> Condition:
    where = " AND ".join(f"({sql})" for sql, _ in conditions) or "1"
    return where, [value for _, parameters in conditions for value in parameters]


def _facts(filters: Filters) -> list[Condition]:
    """Conditions on what the record and its commit say."""
    severity = None if filters.severity is None else SEVERITIES.index(filters.severity)
    asked: list[tuple[str, object]] = [
        ("r.kind = ?", filters.kind),
        ("r.status = ?", filters.status),
        ("r.verdict = ?", filters.verdict),
        ("r.worst >= ?", severity),
        ("instr(r.author_key, ?)", filters.author and filters.author.casefold()),
        ("instr(lower(r.model), ?)", filters.model and filters.model.lower()),
        ("instr(r.words, ?)", filters.text and filters.text.casefold()),
        ("r.time >= ?", None if filters.since is None else int(filters.since * 1000)),
        ("r.time <= ?", None if filters.until is None else int(filters.until * 1000)),
    ]
    found: list[Condition] = [] if filters.feedback else [("r.kind <> 'feedback'", [])]
    return found + [(sql, [value]) for sql, value in asked if value is not None]


def _place(filters: Filters) -> list[Condition]:
    """Conditions on which commits the record is on, and which paths they concern."""
    found: list[Condition] = []
    if filters.path is not None:
        sql, values = _path_condition(filters.path)
        found.append((f"r.note IN (SELECT note FROM paths WHERE {sql})", values))  # noqa: S608 - our own text
    if filters.commits is not None:
        found.append((_WANTED.format("r"), []))
    if filters.commit is not None:
        found.append(("r.oid = ?", [filters.commit]))
    else:
        among = "1" if filters.commits is None else _WANTED.format("o")
        found += [(_SHOWN_HERE.format(among=among), []), (_NOT_SETTLED, [])]
    if filters.leading:
        found.append(_leading(filters))
    return found


def _leading(filters: Filters) -> Condition:
    if filters.kind is not None:
        return _LEADING.format(same="o.kind = ?"), [filters.kind]
    return _LEADING.format(same="1" if filters.feedback else "o.kind <> 'feedback'"), []


def cursor(time: int, record_id: str, oid: str) -> str:
    """Where a page ended: what comes after it on the next."""
    return f"{time}.{oid}.{record_id}"


def _cursor_values(before: str) -> tuple[int, str, str]:
    time, oid, record_id = before.split(".", 2)
    return int(time), record_id, oid


def _path_condition(path: str) -> Condition:
    if any(char in path for char in "*?["):
        return "path GLOB ?", [path]
    folder = path.rstrip("/") + "/"
    # '0' is the character after '/': all that starts with the folder's name, found by the table's index.
    return "path = ? OR (path >= ? AND path < ?)", [path.rstrip("/"), folder, folder[:-1] + "0"]
