"""Reviews that wait for their node. Standard library only (hook path).

Of each there is <common>/maw/outbox/<id>.payload, which is redacted already, and then <id>.json: {"v","id","ts","node",
"mode","tree","base","head","block_at","terms","chosen","cause","why"}. Once the commit is made, <id>.link names it, and
the record that says that it was not reviewed: {"v","commit","record"}. delivery.py sends what has a link. Bounded in
size and age by the settings outbox.max_bytes and outbox.max_age.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time

from maw import files, paths, record
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.light import Any, NamedTuple
from maw.review import outcome as outcomes

LATE, BACKGROUND = "late", "background"  # why a review is here: it could not be had in time, or nobody wanted to wait
UNLINKED_AGE = 86400.0  # seconds; then the commit was not made
_ID = r"[0-9a-f]{24}"
_SUFFIXES = ("json", "link", "payload")
_WORDS = ("id", "ts", "node", "mode", "tree", "base", "block_at")

Json = dict[str, Any]


class OutboxFull(FatalError):
    """There is no room for another review."""


class Entry(NamedTuple):
    """A review that waits. `commit` and `record` are None until the commit is made; `size` is in bytes."""

    id: str
    data: Json
    commit: str | None
    record: str | None
    size: int

    @property
    def to_mend(self) -> str:
        """Why its node could not review, which a person mends; empty where it was only away or slow."""
        return str(self.data.get("why") or "it could not review") if self.data.get("cause") == outcomes.UNREADY else ""

    def goes_to(self, node: str) -> str:
        """The node that it goes to now, in words: the one at its commit may have been another."""
        return node if node == self.data["node"] else f"{node} (it was for {self.data['node']})"


def directory(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "outbox")


def put(repo: Repo, data: Json, payload: Json, *, max_bytes: int) -> str:
    """Keep a review's payload and what else `data` tells of it; its id. Whatever waited for the same commit, which was
    not made, is dropped.

    Raises OutboxFull and OSError.
    """
    entry = {**data, "v": record.VERSION, "id": record.new_id(), "ts": record.now()}
    content = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode("ascii")
    paths.make_private_dir(repo.maw_dir)
    paths.make_private_dir(directory(repo))
    for other in entries(repo):
        if other.commit is None and (other.data["tree"], other.data.get("head")) == (data["tree"], data.get("head")):
            remove(repo, other.id)
    if total(repo) + len(content) > max_bytes:
        raise OutboxFull(f"the outbox is full (outbox.max_bytes is {max_bytes}; `maw outbox` lists what waits)")
    files.write_atomic(_path(repo, entry["id"], "payload"), content)
    files.write_atomic(_path(repo, entry["id"], "json"), json.dumps(entry).encode("ascii"))
    return str(entry["id"])


def link(repo: Repo, waiting: Json, commit: str) -> None:
    """Tell which commit came of the change whose pending record is `waiting`. Raises OSError."""
    entry = waiting.get("outbox")
    if not isinstance(entry, str) or not re.fullmatch(_ID, entry) or not os.path.exists(_path(repo, entry, "json")):
        return
    content = json.dumps({"v": 1, "commit": commit, "record": waiting["id"]}).encode("ascii")
    files.write_atomic(_path(repo, entry, "link"), content)


def hinder(repo: Repo, entry: Entry, why: str) -> None:
    """Tell why the node of an entry cannot review, as it was found now. Raises OSError."""
    path = _path(repo, entry.id, "json")
    if entry.to_mend != why and os.path.exists(path):
        data = {**entry.data, "cause": outcomes.UNREADY, "why": why}
        files.write_atomic(path, json.dumps(data).encode("ascii"))


def ids(repo: Repo) -> list[str]:
    """Oldest first."""
    try:
        names = os.listdir(directory(repo))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name[:24] for name in names if re.fullmatch(_ID + r"\.json", name))


def entries(repo: Repo) -> list[Entry]:
    """All that waits, oldest first. What cannot be read is set aside in outbox/bad."""
    found = (read(repo, entry) for entry in ids(repo))
    return [entry for entry in found if entry is not None]


def read(repo: Repo, entry: str) -> Entry | None:
    """None when it is gone, or damaged; then it is set aside."""
    path = _path(repo, entry, "json")
    content = files.read_optional(path)
    if content is None:
        return None
    data = _parsed(content)
    if data is None or data["id"] != entry:
        _set_aside(repo, entry)
        return None
    linked = _json(files.read_optional(_path(repo, entry, "link")) or b"null")
    commit, record_id = linked.get("commit"), linked.get("record")
    good = isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit) is not None
    return Entry(entry, data, commit if good else None, str(record_id) if good else None, _size(repo, entry))


def payload(repo: Repo, entry: Entry) -> Json | None:
    """What is to be sent. None when it is gone or damaged; then the entry is set aside."""
    data = _json(files.read_optional(_path(repo, entry.id, "payload")) or b"")
    if isinstance(data.get("diff"), str):
        return data
    _set_aside(repo, entry.id)
    return None


def pending_records(repo: Repo) -> dict[str, Entry]:
    """What waits, by the record that says that its commit was not reviewed (yet)."""
    return {entry.record: entry for entry in entries(repo) if entry.record is not None} if ids(repo) else {}


def total(repo: Repo) -> int:
    """Bytes of all that waits."""
    size = 0
    with contextlib.suppress(FileNotFoundError):
        for item in os.scandir(directory(repo)):
            with contextlib.suppress(FileNotFoundError):
                size += item.stat().st_size
    return size


def remove(repo: Repo, entry: str) -> None:
    """What makes it count goes first."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_path(repo, entry, suffix))


def expire(repo: Repo, max_age: float) -> list[Entry]:
    """Give up what waits longer than `max_age` seconds, and what no commit came of; what that was."""
    gone = []
    for entry in entries(repo):
        limit = max_age if entry.commit is not None else min(max_age, UNLINKED_AGE)
        # An id begins with milliseconds since 1970. A clock that was set back is no reason to give up anything.
        if time.time() - int(entry.id[:12], 16) / 1000 > limit:
            remove(repo, entry.id)
            gone.append(entry)
    return gone


def _path(repo: Repo, entry: str, suffix: str) -> str:
    return os.path.join(directory(repo), f"{entry}.{suffix}")


def _parsed(content: bytes) -> Json | None:
    data = _json(content)
    good = data.get("v") == record.VERSION and all(isinstance(data.get(key), str) for key in _WORDS)
    return data if good else None


def _size(repo: Repo, entry: str) -> int:
    try:
        return os.stat(_path(repo, entry, "payload")).st_size
    except FileNotFoundError:
        return 0


def _json(content: bytes) -> Json:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _set_aside(repo: Repo, entry: str) -> None:
    bad = paths.make_private_dir(os.path.join(directory(repo), "bad"))
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            os.replace(_path(repo, entry, suffix), os.path.join(bad, f"{entry}.{suffix}"))
