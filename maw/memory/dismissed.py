"""The dismissals in force in a repository, cheap to read. Standard library only (hook path).

<common>/maw/dismissed.json holds the feedback records that stand, and the tip of the notes they were read from:
{"v","tip","records"}. It holds nothing that is not in the notes: a missing, damaged or older one is made anew, by the
hook that finds it so, too. What is on its way to a note counts as well.
"""

from __future__ import annotations

import contextlib
import json
import os

from maw import files, paths, record
from maw.attendant import spool
from maw.git import notelines
from maw.git.refs import NOTES
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.memory import waiting
from maw.memory.dismissals import Dismissals, in_force

REF = f"{NOTES}feedback"
MOST = 5000  # records, the newest
SIZE_MAX = 64 * 1024 * 1024  # bytes of the file

Json = dict[str, Any]


class _Kept(NamedTuple):
    tip: str | None
    records: list[Json]


def path(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "dismissed.json")


def current(repo: Repo) -> Dismissals:
    """What is dismissed now. Raises GitError and OSError."""
    records = refresh(repo)
    late = [entry.record for entry in spool.entries(repo) if entry.record is not None and entry.kind == "feedback"]
    late += [entry.record for entry in waiting.entries(repo)]
    if late:
        records = record.standing(record.Record(b"", data) for data in [*records, *filter(_readable, late)])
    return Dismissals(in_force(records))


def refresh(repo: Repo) -> list[Json]:
    """Bring the file up to the notes; the feedback records that stand. Raises GitError and OSError."""
    tip = notelines.tip(repo, REF)
    kept = _read(repo)
    if kept is not None and kept.tip == tip:
        return kept.records
    lines = [line for _, note in notelines.notes(repo, REF) for line in record.parse_note(note)] if tip else []
    # Of all notes at once: one that git carried along is retracted by its id wherever it stands.
    standing = [data for data in record.standing(record.merge(lines)) if data["kind"] == "feedback"][-MOST:]
    if tip is not None or kept is not None:
        _write(repo, _Kept(tip, standing))
    return standing


def _read(repo: Repo) -> _Kept | None:
    try:
        data = json.loads(files.read_bounded(path(repo), limit=SIZE_MAX) or b"null")
    except (ValueError, OSError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("v") != record.VERSION or "tip" not in data:
        return None
    records = data.get("records")
    if not isinstance(records, list) or not all(isinstance(item, dict) and _readable(item) for item in records):
        return None
    return _Kept(data["tip"], records)


def _write(repo: Repo, kept: _Kept) -> None:
    """Where it cannot be written, it is read anew each time."""
    data = json.dumps({"v": record.VERSION, **kept._asdict()}, separators=(",", ":")).encode("ascii")
    with contextlib.suppress(OSError):
        paths.make_private_dir(repo.maw_dir)
        files.write_atomic(path(repo), data)


def _readable(data: Json) -> bool:
    return all(isinstance(data.get(key), str) for key in ("id", "ts", "kind"))
