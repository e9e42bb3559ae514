"""Feedback on a change that is no commit yet. Standard library only (hook path).

One file each, <common>/maw/feedback/<record id>.json: {"v","parent","record"}. It lands on the next commit that is made
where `parent` was HEAD (null before the first): when its findings blocked, that one may well have another tree.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection

from maw import files, paths
from maw.attendant import spool
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.record import VERSION

Json = dict[str, Any]


class Waiting(NamedTuple):
    path: str
    parent: str | None
    record: Json


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "feedback")


def put(repo: Repo, parent: str | None, record: Json) -> None:
    """Keep a record for the commit that is made on top of `parent`. Raises OSError."""
    paths.make_private_dir(repo.maw_dir)
    path = os.path.join(paths.make_private_dir(directory(repo)), f"{record['id']}.json")
    data = json.dumps({"v": VERSION, "parent": parent, "record": record}, separators=(",", ":"), sort_keys=True)
    files.write_atomic(path, data.encode("ascii"), durable=True)


def entries(repo: Repo) -> list[Waiting]:
    """What waits, oldest first. A file that cannot be read is left where it is."""
    try:
        names = sorted(name for name in os.listdir(directory(repo)) if name.endswith(".json"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = (_read(os.path.join(directory(repo), name)) for name in names)
    return [entry for entry in found if entry is not None]


def land(
    repo: Repo, commit: str, tree: str, before: Collection[str | None], due: Callable[[Waiting], bool] | None = None
) -> int:
    """Send what waits for this commit on its way to the commit's note; how many. `before` is what HEAD may have been
    when it was made. Raises OSError."""
    landed = 0
    for entry in entries(repo):
        if entry.parent not in before or (due is not None and not due(entry)):
            continue
        with contextlib.suppress(ValueError):  # damaged: it stays
            spool.put(repo, commit, {**entry.record, "head": commit, "tree": tree})
            remove(entry)
            landed += 1
    return landed


def remove(entry: Waiting) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(entry.path)


def _read(path: str) -> Waiting | None:
    try:
        data = json.loads(files.read_optional(path) or b"null")
    except (ValueError, OSError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("record"), dict) or "parent" not in data:
        return None
    return Waiting(path, data["parent"], data["record"])
