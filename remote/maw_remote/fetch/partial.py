"""The part of a file that has come. Its name ends in .part, and no listing of models looks where it lies."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maw.files import read_optional, write_atomic
from maw_remote.engine.sources import CHUNK, SPACE_LEFT, StoreError, check_space

_LOOK_EVERY = 64 << 20  # bytes between two looks at the disk


class Partial:
    """`size` bytes of the file `identity`, and their digest so far. What belongs to another file is begun anew."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.path = folder / "model.part"
        self.validator = ""  # what If-Range takes: a strong ETag or a date
        self.size = 0
        self.digest = hashlib.sha256()
        self._folder = folder
        self._note = folder / "part.json"
        self._identity = identity
        self.total = 0  # bytes of the whole file, 0 while unknown
        self._looked = 0
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (close does)
        os.fchmod(self._file.fileno(), 0o600)

    def resume(self, *, checked_later: bool, progress: Callable[[int, int], None]) -> None:
        """Take what an earlier try left. Without a validator only what a checksum will judge is worth keeping."""
        note = _read(self._note)
        size = os.path.getsize(self.path)
        if note.get("identity") != self._identity or not (note.get("validator") or checked_later):
            self.restart()
            return
        self.validator, self.total = str(note.get("validator", "")), int(note.get("total", 0))
        with open(self.path, "rb") as file:
            while chunk := file.read(CHUNK):
                self.digest.update(chunk)
                self.size += len(chunk)
                progress(self.size, size)

    def begin(self, total: int, validator: str) -> None:
        """The file is `total` bytes, says who sends it. Raises StoreError when that does not fit on the disk."""
        check_space(self._folder, total - self.size, self._folder.parent.parent)
        self.total, self.validator = total, validator
        note = {"v": 1, "identity": self._identity, "total": total, "validator": validator}
        write_atomic(str(self._note), json.dumps(note).encode("ascii"))

    def write(self, data: bytes) -> None:
        try:
            if self.size - self._looked >= _LOOK_EVERY:
                self._looked = self.size
                if shutil.disk_usage(self._folder).free < SPACE_LEFT:
                    raise OSError(errno.ENOSPC, "")
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            os.truncate(self.path, self.size)
            raise self._full() from exc
        self.digest.update(data)
        self.size += len(data)

    def restart(self) -> None:
        """Drop what has come."""
        os.truncate(self.path, 0)
        self.size, self.total, self._looked, self.digest = 0, 0, 0, hashlib.sha256()
        self.validator = ""

    def drop(self) -> None:
        """It is not what it should be: nothing of it may be used again."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()

    def _full(self) -> StoreError:
        free = shutil.disk_usage(self._folder).free
        return StoreError(
            "no_space",
            f"the disk is full: {(self.total - self.size) / 1e6:,.0f} MB still to come, {free / 1e6:,.0f} MB free",
            hint="make space and run the same command again: it goes on from where it stopped; "
            "`maw model rm NAME` removes what has come",
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(read_optional(str(path)) or b"{}")
    except ValueError:
        return {}
    return note if isinstance(note, dict) and isinstance(note.get("total", 0), int) else {}
