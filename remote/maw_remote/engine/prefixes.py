"""Which evaluated prefixes lie on the disk: named by what determines them, the least recently used leave first.

The folder is the index: a file's name is its key, its modification time when it was last asked for. Workers read and
write the files (snapshots.py); this side only decides about paths, so losing the folder costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from maw import paths
from maw_remote.engine.interface import Message

log = logging.getLogger(__name__)
_SUFFIX = ".prefix"
_HALF_FILES_FOR = 600.0  # seconds after which nobody writes a file any more


class Place(NamedTuple):
    """What a worker is told: where the prefix lies, or where to put it. At most one of them."""

    load: str | None
    save: str | None


class Usage(NamedTuple):
    bytes: int
    files: int


def key(identity: str, messages: Sequence[Message]) -> str:
    """The name of a prefix: `identity` is what its evaluation depends on besides the messages (the model's content,
    adapter, context, KV type)."""
    told = json.dumps([identity, messages], separators=(",", ":"))
    return hashlib.sha256(told.encode("ascii")).hexdigest()[:40]


class PrefixStore:
    """The folder of snapshots, at most `limit` bytes of them. Its methods block, for as long as a folder is listed."""

    def __init__(self, directory: str | None = None, *, limit: int) -> None:
        self.directory = Path(directory or os.path.join(paths.state_dir(), "prefixes"))
        self.limit = limit

    def place(self, name: str) -> Place:
        """Where the prefix of this name lies, or may be put. Nothing is kept with a limit of 0."""
        path = self.directory / (name + _SUFFIX)
        try:
            if path.exists():
                os.utime(path)  # asked for: it is the youngest now
                return Place(str(path), None)
            if self.limit:
                paths.make_private_dir(str(self.directory))
                return Place(None, str(path))
        except OSError as exc:
            log.warning("prefixes cannot be kept on the disk", extra={"error": exc.strerror})
        return Place(None, None)

    def discard(self, place: Place) -> None:
        """A worker could not use what lies there."""
        if place.load is not None:
            log.warning("a prefix on the disk is damaged and was removed", extra={"file": os.path.basename(place.load)})
            Path(place.load).unlink(missing_ok=True)

    def trim(self) -> int:
        """Remove the least recently used until the rest has room; how many. What a killed worker left half-written
        goes, too."""
        files = sorted(self._files(), key=lambda entry: entry[1], reverse=True)
        kept = removed = 0
        for path, used, size in files:
            kept += size
            if kept > self.limit if path.suffix == _SUFFIX else used < time.time() - _HALF_FILES_FOR:
                path.unlink(missing_ok=True)
                kept, removed = kept - size, removed + 1
        return removed

    def usage(self) -> Usage:
        sizes = [size for path, _, size in self._files() if path.suffix == _SUFFIX]
        return Usage(sum(sizes), len(sizes))

    def clear(self) -> None:
        for path, _, _ in self._files():
            path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[Path, float, int]]:
        """(path, when it was last used, size) of all that lies there."""
        found = []
        for path in self.directory.glob("*"):
            try:
                state = path.stat()
            except FileNotFoundError:  # a worker has just renamed it
                continue
            found.append((path, state.st_mtime, state.st_size))
        return found
