"""Change files of a working tree, all or none. What the journal needs to do it, to take it back, and to mend a crash.

A new content is written beside its file and renamed over it, so that a reader sees the old or the new one. What was
there is kept beside it as well until all is done: putting it back needs no room on the disk.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from maw.edits import place
from maw.edits.diff import FileEdit
from maw.edits.journal import Application
from maw.edits.refusal import Refused


class Changed(Exception):
    """A file is not as it was when the edit was made."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Restored(NamedTuple):
    """`left`: files that somebody changed since, which were not touched."""

    paths: tuple[str, ...]
    left: tuple[str, ...]


def changed(root: str, edits: Sequence[FileEdit]) -> list[str]:
    """The paths of files that are not as they were. Raises Refused."""
    found = [(edit, place.read(root, place.checked(edit.path))) for edit in edits]
    return [edit.path for edit, now in found if (now.content if now is not None else None) != edit.old]


def missing_folders(root: str, edits: Sequence[FileEdit]) -> list[str]:
    """The folders that edits need and that are not there, the deepest first. Raises Refused."""
    needed = {edit.path[:at] for edit in edits for at, char in enumerate(edit.path) if char == "/"}
    missing = []
    for path in sorted(needed, key=lambda path: -path.count("/")):
        with place.folder_of(root, f"{path}/.") as folder:
            missing += [path] if folder is None else []
    return missing


def carry_out(root: str, application: Application) -> None:
    """Raises Changed, Refused and OSError with some of it done: put_back undoes it."""
    for number, edit in enumerate(application.edits):
        _stage(root, application, number, edit)
    for number, edit in enumerate(application.edits):
        _swap(root, application, number, edit)
    for number, edit in enumerate(application.edits):
        _tidy(root, application, number, edit)
    if application.undo:
        _remove_empty(root, application.folders)


def put_back(root: str, application: Application) -> Restored:
    """Bring each file back to what was there before, whatever of the application was done; its temporary files go.

    Raises OSError; what is left can be put back again.
    """
    back: list[str] = []
    left: list[str] = []
    for number, edit in reversed(list(enumerate(application.edits))):
        try:
            restored = _put_back(root, application, number, edit)
        except Refused:  # somebody put a link there, or what is no file
            restored = False
        if restored is not None:
            (back if restored else left).append(edit.path)
    if not application.undo:
        _remove_empty(root, application.folders)
    return Restored(tuple(sorted(back)), tuple(sorted(left)))


def _put_back(root: str, application: Application, number: int, edit: FileEdit) -> bool | None:
    """False when somebody changed the file since, None when there is nothing to do. Raises Refused and OSError."""
    if edit.old is not None:
        _make_folders(root, edit.path)
    done = None
    with place.folder_of(root, edit.path) as folder:
        found = place.read_in(folder, edit.path) if folder is not None else None
        now = found.content if found is not None else None
        if folder is not None and now == edit.new != edit.old:
            _restore(folder, application, number, edit)
            done = True
        elif now != edit.old:
            done = False
    _tidy(root, application, number, edit)
    return done


def _stage(root: str, application: Application, number: int, edit: FileEdit) -> None:
    if edit.new is not None:
        _make_folders(root, edit.path)
    with place.folder_of(root, edit.path) as folder:
        if folder is None:
            raise Changed(edit.path)
        if edit.new is not None:
            _write(folder, application.temporary(number, "new"), edit.new, _mode(folder, edit))
        if edit.old is not None:
            kept = application.temporary(number, "old")
            try:
                os.link(_name(edit), kept, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                raise Changed(edit.path) from None
            except OSError:  # a file system without hard links
                _write(folder, kept, edit.old, edit.mode)


def _swap(root: str, application: Application, number: int, edit: FileEdit) -> None:
    """Looks once more first: staging took a moment, and somebody's editor may have saved."""
    with place.folder_of(root, edit.path) as folder:
        found = place.read_in(folder, edit.path) if folder is not None else None
        if folder is None or (found.content if found is not None else None) != edit.old:
            raise Changed(edit.path)
        if edit.new is None:
            os.unlink(_name(edit), dir_fd=folder)
        else:
            os.rename(application.temporary(number, "new"), _name(edit), src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)


def _restore(folder: int, application: Application, number: int, edit: FileEdit) -> None:
    if edit.old is None:
        os.unlink(_name(edit), dir_fd=folder)
        return
    kept = application.temporary(number, "old")
    found = place.read_in(folder, kept)
    if found is None or found.content != edit.old:
        _write(folder, kept, edit.old, edit.mode)
    os.rename(kept, _name(edit), src_dir_fd=folder, dst_dir_fd=folder)


def _tidy(root: str, application: Application, number: int, edit: FileEdit) -> None:
    """Remove the temporary files."""
    with place.folder_of(root, edit.path) as folder:
        if folder is not None:
            for kind in ("new", "old"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(application.temporary(number, kind), dir_fd=folder)


def _remove_empty(root: str, folders: Sequence[str]) -> None:
    for path in folders:
        # What is not empty, or by now is no folder on a plain way, is somebody's.
        with contextlib.suppress(OSError, Refused), place.folder_of(root, path) as above:
            if above is not None:
                os.rmdir(path.rpartition("/")[2], dir_fd=above)


def _make_folders(root: str, path: str) -> None:
    above = ""
    for name in path.split("/")[:-1]:
        above += f"{name}/"
        with place.folder_of(root, above.removesuffix("/")) as folder, contextlib.suppress(FileExistsError):
            if folder is not None:
                os.mkdir(name, dir_fd=folder)


def _write(folder: int, name: str, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _mode(folder: int, edit: FileEdit) -> int:
    """What the file has now: a `chmod` since the edit was made is the user's, too."""
    try:
        return stat.S_IMODE(os.stat(_name(edit), dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return edit.mode


def _name(edit: FileEdit) -> str:
    return edit.path.rpartition("/")[2]
