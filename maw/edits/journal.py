"""What is being applied, and what was applied last: one file each, below maw/ in the repository's common directory.

An application is written down before the first file of the working tree is touched, so that whoever comes after a
crash can bring back what was there. Each working tree has its own.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from maw import files
from maw.edits.diff import FileEdit
from maw.errors import FatalError
from maw.git.repo import Repo

LOCK_TIMEOUT = 10.0  # seconds
_VERSION = 1


class Application(NamedTuple):
    """`folders` are not there before, the deepest first. An `undo` takes back the application before it, and removes
    the folders which that one made."""

    id: str
    edits: tuple[FileEdit, ...]
    folders: tuple[str, ...] = ()
    undo: bool = False

    def temporary(self, number: int, kind: str) -> str:
        """The name of a file beside the edit's own: its content to be (`new`), or what was there (`old`)."""
        return f".maw-{self.id}-{number}.{kind}"


def application(edits: Sequence[FileEdit], folders: Sequence[str], *, undo: bool = False) -> Application:
    return Application(secrets.token_hex(6), tuple(edits), tuple(folders), undo)


class Journal:
    """Of one working tree. Methods raise OSError."""

    def __init__(self, repo: Repo) -> None:
        key = hashlib.sha256(os.fsencode(os.path.realpath(repo.root))).hexdigest()[:16]
        self._maw_dir = repo.maw_dir
        self._folder = os.path.join(repo.maw_dir, "edits", key)
        self._running = os.path.join(self._folder, "running.json")
        self._last = os.path.join(self._folder, "last.json")

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One at a time. Raises FatalError when another one takes too long."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        try:
            with files.lock(os.path.join(self._folder, "lock"), LOCK_TIMEOUT):
                yield
        except TimeoutError as exc:
            raise FatalError(
                "another maw command is changing this working tree", hint="try again when it is done"
            ) from exc

    def begin(self, application: Application) -> None:
        files.write_atomic(self._running, _encode(application), durable=True)

    def running(self) -> Application | None:
        """What was begun and neither finished nor given up."""
        return self._read(self._running)

    def finish(self) -> None:
        """It is done: from now on it is what can be taken back (or, of an undo, what cannot any more)."""
        os.replace(self._running, self._last)

    def give_up(self) -> None:
        os.unlink(self._running)

    def last(self) -> Application | None:
        """What can be taken back."""
        done = self._read(self._last)
        return None if done is None or done.undo else done

    def save_patch(self, patch: bytes) -> str:
        """Keep a diff that could not be applied; where."""
        folder = os.path.join(self._maw_dir, "patches")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + f"-{secrets.token_hex(3)}.patch"
        path = os.path.join(folder, name)
        files.write_atomic(path, patch)
        return path

    def _read(self, path: str) -> Application | None:
        content = files.read_optional(path)
        if content is None:
            return None
        try:
            return _decode(json.loads(content))
        except (ValueError, KeyError, TypeError) as exc:
            raise FatalError(
                f"{path} is damaged, or of another maw", hint="remove it when your files are well"
            ) from exc


def _encode(application: Application) -> bytes:
    edits = [
        {"path": edit.path, "old": _text(edit.old), "new": _text(edit.new), "mode": edit.mode}
        for edit in application.edits
    ]
    head = {"v": _VERSION, "id": application.id, "undo": application.undo, "folders": application.folders}
    return json.dumps({**head, "edits": edits}).encode()


def _decode(value: dict[str, Any]) -> Application:
    if value["v"] != _VERSION:
        raise ValueError("another version")
    edits = [
        FileEdit(str(edit["path"]), _bytes(edit["old"]), _bytes(edit["new"]), int(edit["mode"]))
        for edit in value["edits"]
    ]
    folders = tuple(str(folder) for folder in value["folders"])
    return Application(str(value["id"]), tuple(edits), folders, bool(value["undo"]))


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
