"""Read notes and commits into the index. Runs inside the transaction that Index opened."""

from __future__ import annotations

import itertools
import logging
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from maw.change import display_path
from maw.errors import FatalError
from maw.finding import SEVERITIES, finding_id
from maw.git import notes, notetree, patchid
from maw.git.objects import Commit, TooLarge, changed_paths
from maw.git.repo import Repo
from maw.memory.query import CARRIED, COSTS, EXACT, STALE
from maw.record import Json, Record, merge, standing

MANY = 5000  # notes; they take about half a second

_RECORD_COLUMNS = (
    "note", "oid", "id", "kind", "ts", "time", "status", "verdict", "standing", "worst", *SEVERITIES, "bypassed",
    "reason", "model", "copied", "linked", "run", "task", "supersedes", "generation", *COSTS,
    "author", "author_key", "committed", "subject", "words", "data",
)  # fmt: skip
_INSERT = f"INSERT INTO records ({', '.join(_RECORD_COLUMNS)}) VALUES ({', '.join('?' * len(_RECORD_COLUMNS))})"  # noqa: S608 - our own text
log = logging.getLogger(__name__)
_COST_MAX = 10**12  # tokens, or milliseconds
_WORDS = ("path", "category", "title", "scenario", "suggestion", "quote")


def update(
    db: sqlite3.Connection, repo: Repo, old: dict[str, str], new: dict[str, str], told: Callable[[], None]
) -> None:
    """Make the index, which knows the tips `old`, say what the notes at the tips `new` say.

    Calls `told` before reading so many notes that a person would wonder. Raises FatalError when they cannot be read.
    """
    found = notes.Notes(repo)
    for kind in sorted(old.keys() | new.keys()):
        if old.get(kind) == new.get(kind):
            continue
        try:
            _update_kind(_Reader(db, found, kind, told), found.tree(old.get(kind)), found.current_tree(new.get(kind)))
        except TooLarge as exc:
            raise FatalError(
                f"{notes.ref_name(kind)} is nothing that maw reads: {exc.message}",
                hint="whoever made it was no friend; an older state of it may be in the log of the ref",
            ) from exc
    db.execute("DELETE FROM records WHERE kind = 'feedback' AND id IN (SELECT id FROM retractions)")
    db.execute("DELETE FROM tips")
    db.executemany("INSERT INTO tips VALUES (?, ?)", new.items())


def _update_kind(reader: _Reader, old: str | None, new: str | None) -> None:
    if old is None or new is None:
        reader.replace_all(new)
        return
    for oid in sorted(notetree.changed(reader.objects, old, new)):
        reader.replace(oid, notetree.lookup(reader.objects, new, oid))


class _Commit(NamedTuple):
    """What the index keeps of a commit; all but `oid` empty when the repository has it no more."""

    oid: str
    commit: Commit | None = None
    tree: str = ""
    author: str = ""
    committed: int = 0
    subject: str = ""


class _Reader:
    """Brings notes of one kind into the index."""

    def __init__(self, db: sqlite3.Connection, found: notes.Notes, kind: str, told: Callable[[], None]) -> None:
        self.objects = found.objects
        self._db = db
        self._kind = kind
        self._told = told

    def replace_all(self, tree: str | None) -> None:
        """Forget all notes of this kind, and read those of `tree`."""
        self._db.execute("DELETE FROM notes WHERE ref_kind = ?", (self._kind,))
        blobs: dict[str, list[str]] = {}
        for oid, blob in notetree.walk(self.objects, tree):
            blobs.setdefault(oid, []).append(blob)
        if len(blobs) > MANY:
            self._told()
        for oid, found in blobs.items():
            self.replace(oid, found)

    def replace(self, oid: str, blobs: list[str]) -> None:
        """Forget what the index has of this note, and read it anew unless it is gone."""
        key = " ".join(sorted(blobs))
        row = self._db.execute(
            "SELECT note, blob, reach FROM notes WHERE ref_kind = ? AND oid = ?", (self._kind, oid)
        ).fetchone()
        if row is not None and row["blob"] == key:
            return
        if row is not None:
            self._db.execute("DELETE FROM notes WHERE note = ?", (row["note"],))
        if blobs:
            self._add(oid, blobs, key, row["reach"] if row is not None else None)

    def _add(self, oid: str, blobs: list[str], key: str, reach: int | None) -> None:
        lines = merge(*(self._lines(oid, blob) for blob in blobs))
        inserted = self._db.execute(
            "INSERT INTO notes (ref_kind, oid, blob, reach) VALUES (?, ?, ?, ?)", (self._kind, oid, key, reach)
        )
        if self._kind == "feedback":
            self._db.executemany("INSERT INTO retractions VALUES (?, ?)", [
                (gone, inserted.lastrowid) for gone in _retracted(lines)
            ])  # fmt: skip
        records = standing(lines)
        if not records or inserted.lastrowid is None:
            return
        commit = self._commit(oid)
        raw = {id(record.data): record.raw for record in lines}  # standing gives the same objects
        for data in records:
            number = self._db.execute(_INSERT, self._values(inserted.lastrowid, commit, data, raw[id(data)])).lastrowid
            self._db.executemany(
                "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(found, number, *facts) for found, facts in _findings(data).items()],
            )
        self._db.executemany(
            "INSERT OR IGNORE INTO paths VALUES (?, ?)",
            [(_storable(path), inserted.lastrowid) for path in self._paths(commit, records)],
        )

    def _lines(self, oid: str, blob: str) -> list[Record]:
        """What cannot be read now, or should not be, is told, and does not keep the rest back."""
        try:
            return notes.lines(self.objects, blob)
        except FatalError as exc:
            log.warning("the note on %s is left out: %s", oid, exc.message)
            return []

    def _values(self, note: int, commit: _Commit, data: Json, raw: bytes) -> list[object]:
        findings = [finding for finding in _list(data, "findings") if finding.get("severity") in SEVERITIES]
        about = data.get("finding")  # of feedback
        counts = [sum(finding["severity"] == name for finding in findings) for name in SEVERITIES]
        worst = max((index for index, count in enumerate(counts) if count), default=-1)
        words = [commit.subject, *(_text(data, key) or "" for key in ("reason", "instruction", "command"))]
        named = [*findings, about] if isinstance(about, dict) else findings
        words += [str(finding.get(key, "")) for finding in named for key in _WORDS]
        values: list[object] = [
            note, commit.oid, data["id"], data["kind"], data["ts"], _time(data["ts"], commit),
            _text(data, "status") or "", _text(data, "verdict"), self._standing(commit, data), worst, *counts,
            int(data.get("bypassed") is True), _text(data, "reason"), _text(data, "model"),
            int(data.get("head") != commit.oid), int(isinstance(data.get("linked"), dict)), _run(data),
            _text(data, "task"), _text(data, "supersedes"), _generation(data), *_costs(data),
            commit.author, commit.author.casefold(), commit.committed,
            commit.subject, "\n".join(words).casefold(), raw,
        ]  # fmt: skip
        return [_storable(value) if isinstance(value, str) else value for value in values]

    def _standing(self, commit: _Commit, data: Json) -> str:
        if commit.commit is None:  # nothing to compare with
            return STALE if data.get("head") != commit.oid else EXACT
        if data.get("tree") == commit.tree:
            return EXACT
        known = {_text(data, "commit_patch_id"), _text(data, "patch_id") if data.get("has_binary") is False else None}
        if known == {None}:
            return STALE
        mine = patchid.of_commit(self.objects, commit.commit)
        return CARRIED if mine is not None and not mine.has_binary and mine.patch_id in known else STALE

    def _commit(self, oid: str) -> _Commit:
        commit = self.objects.commit(oid)
        if commit is None:
            return _Commit(oid)
        author = f"{_decoded(commit.author.name)} <{_decoded(commit.author.email)}>"
        subject = " ".join(_decoded(commit.message).strip().split("\n\n", 1)[0].split())
        return _Commit(oid, commit, commit.tree, author, commit.committer.time, subject)

    def _paths(self, commit: _Commit, records: Iterable[Json]) -> set[str]:
        """Paths the commit changed, and those the findings are in (of another change, when the note was carried) or
        that something was generated for."""
        found = {str(finding["path"]) for data in records for finding in _list(data, "findings") if "path" in finding}
        found |= {path for data in records for path in _texts(data, "paths")}
        if commit.commit is None:
            return found
        base = patchid.first_parent_tree(self.objects, commit.commit)
        if base is None:
            return found
        try:
            changed = changed_paths(self.objects, base, commit.tree)
            found.update(display_path(path) for path in itertools.islice(changed, patchid.PATHS_MAX))
        except FatalError as exc:  # a partial clone may lack trees, and a hostile one has too many of them
            log.warning("not all paths of the commit %s are known: %s", commit.oid, exc.message)
        return found


def _retracted(lines: Iterable[Record]) -> set[str]:
    found = (record.data for record in lines if record.data is not None)
    return {_storable(_text(data, "retracts") or "") for data in found if data["kind"] == "retract"}


def _findings(data: Json) -> dict[str, tuple[str, int, str, str, str]]:
    """The findings that a record tells of, or that it is feedback on, by id: the part and the place in it, severity,
    category, path."""
    about = data.get("finding")
    parts = {
        "rejected": _list(data, "rejected"),
        "findings": _list(data, "findings"),
        "finding": [about] if isinstance(about, dict) else [],
    }
    return {
        _finding_id(item): (part, place, *_facts(item))
        for part, items in parts.items()
        for place, item in enumerate(items)
    }


def _facts(item: Json) -> tuple[str, str, str]:
    severity, category, path = (_storable(_text(item, key) or "") for key in ("severity", "category", "path"))
    return severity, category, path


def _run(data: Json) -> str | None:
    task = _text(data, "task") or _generation(data)
    return f"{_text(data, 'node') or ''}/{task}" if task else None


def _generation(data: Json) -> str | None:
    """Which one a record tells of: where its files are in several commits, each has a record of its own."""
    if data["kind"] != "generate":
        return None
    return _text(data, "generation") or str(data["id"])


def _costs(data: Json) -> list[int | None]:
    """What a record's `stats` say, as far as it makes sense: a stranger's may say anything."""
    stats = data.get("stats")
    told = [stats.get(key) for key in COSTS] if isinstance(stats, dict) else [None] * len(COSTS)
    return [
        round(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost <= _COST_MAX else None
        for cost in told
    ]


def _finding_id(item: Json) -> str:
    own, path, quote, title = (_storable(_text(item, key) or "") for key in ("id", "path", "quote", "title"))
    return own or finding_id(path, quote, title)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _storable(text: str) -> str:
    """JSON can spell half of a surrogate pair, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(data: Json, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _list(data: Json, key: str) -> list[Json]:
    value = data.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(data: Json, key: str) -> list[str]:
    value = data.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _time(ts: str, commit: _Commit) -> int:
    """Milliseconds since 1970; where `ts` cannot be read, the commit's own time."""
    try:
        when = datetime.fromisoformat(ts)
        return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return commit.committed * 1000
