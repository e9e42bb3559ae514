"""Records on their way to a note. Standard library only (hook path), but for what `drain` imports when it is called.

One file each, <common>/maw/spool/<record id>.json: {"v":1,"commit":OID,"kind":KIND,"record":{…}}. A file goes away
only after its record was seen in the note a while after it was written there: git itself may have overwritten it, since
`git commit --amend` copies notes right after post-commit, and does not compare. See writer.py. Where no notes can be
written at all, the oldest files are given up (trim).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator

from maw import files, paths
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.record import KINDS, LINE_MAX, VERSION, fitted

SETTLE = 2.0  # seconds after which nobody overwrites a note that he had read before it was written
MAX_WAITING = 1000  # files
MAX_AGE = 90 * 86400.0  # seconds

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")  # SHA-1 or SHA-256

Json = dict[str, Any]


class Entry(NamedTuple):
    """A spool file. `record` is None, and `trouble` says why, when it cannot become a note."""

    path: str
    commit: str
    kind: str
    record: Json | None
    trouble: str = ""


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "spool")


def put(repo: Repo, commit: str, record: Json, *, ref_kind: str | None = None) -> str:
    """Queue `record` (v, id, ts, kind …) for the note of `commit`, a full id; the file's path. `ref_kind` names the
    note's ref where it is not the record's own kind: a retraction stands beside what it takes back.

    Complete but for patch_id and has_binary, which need libgit2 and are added on the way. A record that is too long
    loses items (record.fitted). Raises ValueError for one that could not be read back, OSError when it cannot be
    written. client.poke then gets it delivered.
    """
    entry = {"v": VERSION, "commit": commit, "kind": ref_kind or record.get("kind"), "record": fitted(record)}
    trouble = _trouble(entry)
    if trouble:
        raise ValueError(trouble)
    paths.make_private_dir(repo.maw_dir)
    path = os.path.join(paths.make_private_dir(directory(repo)), f"{record['id']}.json")
    data = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode("ascii")
    # The record's only copy, once pending has forgotten it.
    files.write_atomic(path, data, durable=True)
    return path


def waiting(repo: Repo) -> list[str]:
    """The spool's files, oldest record first."""
    try:
        names = os.listdir(directory(repo))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [os.path.join(directory(repo), name) for name in sorted(names) if name.endswith(".json")]


def trim(repo: Repo, keep: int = MAX_WAITING, max_age: float = MAX_AGE) -> str:
    """Give up all but the newest `keep` files, and what is older than `max_age` seconds: nothing could deliver them.
    A line that tells it, empty when nothing was given up."""
    found = waiting(repo)
    gone = found[:-keep]
    oldest = time.time() - max_age
    for path in found[-keep:]:
        with contextlib.suppress(FileNotFoundError):
            if os.stat(path).st_mtime < oldest:
                gone.append(path)
    for path in gone:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return f"gave up {len(gone)} old record(s) that cannot become notes; `maw doctor` tells why" if gone else ""


def entries(repo: Repo) -> Iterator[Entry]:
    """What waits, read. A file that another process delivered meanwhile is left out."""
    for path in waiting(repo):
        entry = _read(path)
        if entry is not None:
            yield entry


def written(entry: Entry) -> None:
    """The record is in its note, as of now."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(entry.path)


def settled(entry: Entry) -> bool:
    """True when the file was not touched for so long that a note which has the record will keep it."""
    try:
        return abs(time.time() - os.stat(entry.path).st_mtime) >= SETTLE
    except FileNotFoundError:
        return False


def remove(entry: Entry) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(entry.path)


def set_aside(repo: Repo, entry: Entry) -> None:
    """Move a file that cannot become a note to spool/bad, where a person can look at it."""
    bad = paths.make_private_dir(os.path.join(directory(repo), "bad"))
    with contextlib.suppress(FileNotFoundError):
        os.replace(entry.path, os.path.join(bad, os.path.basename(entry.path)))


def drain(repo: Repo) -> int:
    """Write what waits into notes, here and now; how many records were not in theirs. Cheap when nothing waits.

    That includes the outcome of a pre-commit whose post-commit was killed, and what was generated and is committed by
    now. Raises FatalError when the notes cannot be written; the files then stay.
    """
    from maw.attendant import reclaim  # which puts into the spool what it finds, as landing does
    from maw.generate.memory import waiting as generated

    reclaim.reclaim(repo)
    if generated.any_waiting(repo):
        from maw.generate.memory import landing

        landing.land(repo)
    if not waiting(repo):
        return 0
    from maw.attendant import writer  # pygit2: 130 ms, needed only when something waits

    return writer.drain(repo)


def _read(path: str) -> Entry | None:
    try:
        data = files.read_optional(path)
        if data is None:
            return None
        if len(data) > LINE_MAX:
            return Entry(path, "", "", None, f"longer than {LINE_MAX} bytes")
        entry = json.loads(data)
    except (ValueError, OSError, RecursionError) as exc:
        return Entry(path, "", "", None, f"cannot be read: {exc}")
    trouble = _trouble(entry)
    return (
        Entry(path, "", "", None, trouble) if trouble else Entry(path, entry["commit"], entry["kind"], entry["record"])
    )


def _trouble(entry: Any) -> str:
    """Why this cannot become a note; empty when it can."""
    if not isinstance(entry, dict) or entry.get("v") != VERSION:
        return "not a spool entry of this version"
    record = entry.get("record")
    if not isinstance(entry.get("commit"), str) or not _COMMIT.match(entry["commit"]):
        return "no full commit id"
    if not isinstance(record, dict) or record.get("v") != VERSION or not isinstance(record.get("ts"), str):
        return "no record of this version"
    if not isinstance(record.get("id"), str) or not _ID.match(record["id"]):
        return "the record's id is not usable"
    if entry.get("kind") not in KINDS or not isinstance(record.get("kind"), str):
        return "unknown kind of record"
    return ""
