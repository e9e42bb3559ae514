"""Put findings' replacements into files of the work tree."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from maw import files
from maw.change import raw_path
from maw.edits.place import is_git
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory.feedback import Place
from maw.review.replacement import CannotApply, applied, patch
from maw.review.sifting import file_in
from maw.text import one_line

SIZE_MAX = 64 * 1024 * 1024  # bytes


class Fix(NamedTuple):
    """A change that is ready to be written; `patch` shows it to people."""

    path: str
    before: bytes
    after: bytes
    patch: str

    def write(self) -> None:
        """Replace the file, which keeps its mode, unless somebody changed it this moment."""
        if files.read_optional(self.path) != self.before:
            raise CannotApply(f"{self.path} was changed meanwhile, so nothing was done")
        mode = stat.S_IMODE(os.stat(self.path).st_mode)
        files.write_atomic(self.path, self.after, mode=mode)
        os.chmod(self.path, mode)  # whatever the umask took away


def prepare(repo: Repo, place: Place) -> Fix:
    """What applying a finding's replacement would write. Raises CannotApply, and FatalError without a work tree."""
    path, before = _present(repo, place)
    after = applied(place.finding, _reviewed(repo, place), before)
    return Fix(path, before, after, patch(place.finding.path, before, after))


def _reviewed(repo: Repo, place: Place) -> bytes:
    content = file_in(repo, place.tree, place.finding.path) if place.tree is not None else None
    if content is None:
        raise CannotApply(f"what {place.finding.id} was found in is gone from the repository")
    return content


def _present(repo: Repo, place: Place) -> tuple[str, bytes]:
    """The file in the work tree, and what it holds. Raises CannotApply for anything but a plain file inside of it."""
    if repo.worktree is None:
        raise FatalError("there is no work tree here", hint="change to one")
    shown = one_line(place.finding.path)
    try:
        name = os.fsdecode(raw_path(place.finding.path))
    except ValueError as exc:
        raise CannotApply(f"{shown} is no path") from exc
    if "\0" in name:
        raise CannotApply(f"{shown} is no path")
    path = os.path.join(repo.worktree, name)
    top = os.path.realpath(repo.worktree)
    folder = os.path.realpath(os.path.dirname(path))
    if os.path.commonpath([top, folder]) != top or os.path.isabs(name) or any(map(is_git, name.split("/"))):
        raise CannotApply(f"{shown} is not in the work tree")
    try:
        content = files.read_bounded(path, limit=SIZE_MAX)
    except OSError as exc:
        raise CannotApply(f"{shown} cannot be changed: {exc.strerror}") from exc
    if content is None:
        raise CannotApply(f"{shown} is not in the work tree", hint="was it renamed or deleted?")
    return path, content
