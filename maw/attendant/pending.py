"""Outcomes of pre-commit that wait for their commit. Standard library only (hook path).

One file each, <common>/maw/pending/<tree>-<head or "none">.json: a review record without `head`, with `parent`, the
HEAD before the commit (null before the first). A tree alone would be ambiguous: a revert brings an old one back.
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
from maw.light import Any

MAX_AGE = 14 * 86400.0  # seconds; then nobody will make that commit any more
_OF_PENDING_ONLY = ("blocked", "request", "parent", "outbox")
_NAME = r"[0-9a-f]{40,64}-(?:[0-9a-f]{40,64}|none)\.json\Z"

Json = dict[str, Any]


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "pending")


def write(repo: Repo, tree: str, head: str | None, record: Json) -> str:
    """Keep `record` for the commit of `tree` on top of `head`, in place of an older one; the file's path."""
    paths.make_private_dir(repo.maw_dir)
    path = _path(paths.make_private_dir(directory(repo)), tree, head)
    data = json.dumps({**record, "tree": tree, "parent": head}, separators=(",", ":"), sort_keys=True)
    files.write_atomic(path, data.encode("ascii"))
    return path


def match(repo: Repo, tree: str, heads: list[str | None]) -> Json | None:
    """The newest record for a commit of `tree` whose HEAD before was one of `heads`; None when there is none."""
    found = (_read(_path(directory(repo), tree, head)) for head in heads)
    records = [record for record in found if record is not None and record.get("tree") == tree]
    return max(records, key=lambda record: (record["ts"], record["id"]), default=None)


def to_record(waiting: Json, commit: str) -> Json:
    """What match gave as the record of the commit that was made. It is `bypassed` when pre-commit had blocked it."""
    record = {key: value for key, value in waiting.items() if key not in _OF_PENDING_ONLY}
    if waiting.get("blocked"):
        record["bypassed"] = True
    return {**record, "head": commit}


def any_waiting(repo: Repo) -> bool:
    try:
        return any(re.match(_NAME, name) for name in os.listdir(directory(repo)))
    except (FileNotFoundError, NotADirectoryError):
        return False


def all_waiting(repo: Repo) -> Iterator[Json]:
    """All records, in no order."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(directory(repo)):
            found = _read(os.path.join(directory(repo), name)) if re.match(_NAME, name) else None
            if found is not None:
                yield found


def written_at(repo: Repo, record: Json) -> float:
    """When a record that match gave was written, in seconds since 1970. Raises FileNotFoundError."""
    return os.stat(_path(directory(repo), record["tree"], record["parent"])).st_mtime


def consume(repo: Repo, record: Json) -> None:
    """Forget a record that match gave, once it is safe elsewhere (spool.put). Forgetting twice is no error."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(directory(repo), record["tree"], record["parent"]))


def expire(repo: Repo, max_age: float = MAX_AGE) -> int:
    """Remove what waits longer than `max_age` seconds (and temporary files a killed hook left); how many."""
    gone = 0
    oldest = time.time() - max_age
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(directory(repo)):
            with contextlib.suppress(FileNotFoundError):
                if (re.match(_NAME, entry.name) or entry.name.endswith(".tmp")) and entry.stat().st_mtime < oldest:
                    os.unlink(entry.path)
                    gone += 1
    return gone


def _path(folder: str, tree: str, head: str | None) -> str:
    return os.path.join(folder, f"{tree}-{head or 'none'}.json")


def _read(path: str) -> Json | None:
    try:
        record = json.loads(files.read_optional(path) or b"null")
    except (ValueError, OSError, RecursionError):
        return None
    known = isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("id", "ts", "tree"))
    return record if known and "parent" in record else None
