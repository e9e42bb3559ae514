"""Generations that wait for their commit. Standard library only (hook path).

One file each, <common>/maw/generated/<record id>.json: {"v","record","worktree","files","whole","seen"}. `files` has
the traces (traces.py) of the files that no commit has yet, `whole` is how many lines all files had. `seen` are the
commits that were there before, or were looked at. What no commit ever contains is given up after MAX_AGE.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from maw import files, paths
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.record import VERSION

MAX_AGE = 30 * 86400.0  # seconds; then nobody will commit that any more
MOST = 200  # files

Json = dict[str, Any]


class Waiting(NamedTuple):
    """`worktree` is where it was applied. Without `files` it waits for any commit: the first one of a repository."""

    record: Json
    worktree: str
    files: dict[str, list[str]]
    whole: int = 0
    seen: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.record["id"])


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "generated")


def put(repo: Repo, entry: Waiting, *, durable: bool = True) -> None:
    """Keep it, in place of what was kept of it before. Raises OSError."""
    paths.make_private_dir(repo.maw_dir)
    paths.make_private_dir(directory(repo))
    data = json.dumps({"v": VERSION, **entry._asdict()}, separators=(",", ":"))
    files.write_atomic(_path(repo, entry.id), data.encode("ascii"), durable=durable)


def any_waiting(repo: Repo) -> bool:
    return bool(_names(repo))


def entries(repo: Repo) -> list[Waiting]:
    """What waits, oldest first. A file that cannot be read is left where it is, until it expires."""
    found = (_read(os.path.join(directory(repo), name)) for name in _names(repo))
    return [entry for entry in found if entry is not None]


def remove(repo: Repo, entry: Waiting) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(repo, entry.id))


def expire(repo: Repo, max_age: float = MAX_AGE, most: int = MOST) -> int:
    """Give up what waits longer than `max_age` seconds, and all but the newest `most`; how many. Raises OSError."""
    names, oldest = _names(repo), time.time() - max_age
    gone = names[:-most] if most else names
    for name in names[len(gone) :]:
        with contextlib.suppress(FileNotFoundError):
            if _made(name, os.stat(os.path.join(directory(repo), name)).st_mtime) < oldest:
                gone.append(name)
    for name in gone:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory(repo), name))
    return len(gone)


def _made(name: str, written: float) -> float:
    """When it was remembered, by its id (record.new_id); a look at new commits writes its file again."""
    try:
        return int(name[:12], 16) / 1000
    except ValueError:
        return written


def _names(repo: Repo) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory(repo)) if name.endswith(".json"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _path(repo: Repo, identity: str) -> str:
    return os.path.join(directory(repo), f"{identity}.json")


def _read(path: str) -> Waiting | None:
    try:
        data = json.loads(files.read_optional(path) or b"null")
        if data is None or data["v"] != VERSION or not all(isinstance(data["record"][key], str) for key in _NEEDED):
            return None
        left = {name: list(map(str, trace)) for name, trace in data["files"].items()}
        seen = tuple(map(str, data["seen"]))
        return Waiting(data["record"], str(data["worktree"]), left, int(data["whole"]), seen)
    except (ValueError, OSError, KeyError, TypeError, AttributeError, RecursionError):
        return None


_NEEDED = ("id", "ts", "kind", "status")
