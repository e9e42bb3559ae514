"""Apply a proposal to the working tree, and take the last application back. The index is left as it is.

A file must be byte for byte what the proposal was made from, so what is applied is exactly the diff that was shown.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from maw.edits import diff, journal, place, tree
from maw.edits.diff import FileEdit
from maw.edits.journal import Application, Journal
from maw.edits.propose import Proposal
from maw.edits.refusal import Refused
from maw.edits.tree import Restored
from maw.errors import INCOMPLETE, FatalError
from maw.git.repo import Repo
from maw.git.run import GitError, git, no_git_env

_NO_COUNT = 127  # exit codes of `git merge-file` below are the number of conflicts


class Conflict(FatalError):
    """Files are not as they were: nothing was changed. `patch`: where the diff was saved, None for an undo."""

    exit_code = INCOMPLETE

    def __init__(self, message: str, paths: Sequence[str], patch: str | None = None) -> None:
        hint = f"the diff is kept: `git apply -3 {shlex.quote(patch)}` tries it" if patch else None
        super().__init__(message, hint=hint)
        self.paths = tuple(paths)
        self.patch = patch


class Applied(NamedTuple):
    """`recovered`: what an application that had been cut off left behind was put back first."""

    id: str
    paths: tuple[str, ...]
    recovered: Restored | None = None


def apply(repo: Repo, proposal: Proposal) -> Applied:
    """All of it, or none. Raises Conflict, Refused for what lies at a path by now, and FatalError."""
    root, book = _root(repo), Journal(repo)
    with _told_plainly(), book.turn():
        recovered = _recover(book, root)
        try:
            edits = proposal.edits
            done = _carry_out(book, root, journal.application(edits, tree.missing_folders(root, edits)))
        except tree.Changed as exc:
            paths = sorted({exc.path, *_changed(root, proposal.edits)})
            raise _conflict(paths, book.save_patch(proposal.diff)) from None
    return Applied(done.id, tuple(edit.path for edit in done.edits), recovered)


def undo(repo: Repo) -> Applied:
    """Take the last application back where its lines are still the same. Raises Conflict and FatalError, with nothing
    changed, where they are not."""
    root, book = _root(repo), Journal(repo)
    with _told_plainly(), book.turn():
        recovered = _recover(book, root)
        last = book.last()
        if last is None:
            raise FatalError("there is no application to take back in this working tree")
        edits = _reversed(root, last.edits)
        try:
            done = _carry_out(book, root, journal.application(edits, last.folders, undo=True))
        except tree.Changed as exc:
            raise _conflict([exc.path], None) from None
    return Applied(done.id, tuple(edit.path for edit in done.edits), recovered)


def undo_diff(repo: Repo) -> bytes:
    """What undo would change now. Raises as undo does."""
    last = Journal(repo).last()
    return diff.make(_reversed(_root(repo), last.edits)) if last is not None else b""


def recover(repo: Repo) -> Restored | None:
    """Put back what an application that was cut off had done; None when there is none. apply and undo do it, too."""
    root, book = _root(repo), Journal(repo)
    with _told_plainly(), book.turn():
        return _recover(book, root)


def _root(repo: Repo) -> str:
    if repo.worktree is None:
        raise FatalError("a bare repository has no working tree to change")
    if not os.path.isdir(repo.worktree):  # else it would begin anew, as an empty one with our journal
        raise FatalError(f"{repo.worktree} is not there any more")
    return repo.worktree


def _recover(book: Journal, root: str) -> Restored | None:
    running = book.running()
    if running is None:
        return None
    restored = tree.put_back(root, running)
    book.give_up()
    return restored


def _carry_out(book: Journal, root: str, application: Application) -> Application:
    unlike = tree.changed(root, application.edits)
    if unlike:
        raise tree.Changed(unlike[0])
    book.begin(application)
    try:
        tree.carry_out(root, application)
    except BaseException:  # Ctrl-C too: what it leaves behind is nothing
        tree.put_back(root, application)
        book.give_up()
        raise
    book.finish()
    return application


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    """A full disk, or a folder that may not be written, is no defect of maw."""
    try:
        yield
    except OSError as exc:
        where = f" ({exc.filename})" if exc.filename else ""
        raise FatalError(f"cannot change the working tree: {exc.strerror}{where}") from exc


def _changed(root: str, edits: Sequence[FileEdit]) -> list[str]:
    try:
        return tree.changed(root, edits)
    except Refused as exc:  # changed indeed: into a link, or something larger than a file to edit
        return [refusal.path for refusal in exc.refusals if refusal.path is not None]


def _conflict(paths: Sequence[str], patch: str | None) -> Conflict:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Conflict(f"{paths[0]}{more} changed meanwhile: nothing was applied", paths, patch)


def _reversed(root: str, edits: Sequence[FileEdit]) -> list[FileEdit]:
    """The edits that take others back, from what the files are now. Raises Conflict."""
    back = []
    unlike = []
    for edit in edits:
        found = place.read(root, place.checked(edit.path))
        now = found.content if found is not None else None
        if now == edit.old:
            continue  # somebody took it back by hand
        old = edit.old if now == edit.new else _merged(now, edit)
        if old is None and now != edit.new:
            unlike.append(edit.path)
        back.append(FileEdit(edit.path, now, old, found.mode if found is not None else edit.mode))
    if unlike:
        more = f" and {len(unlike) - 1} more" if len(unlike) > 1 else ""
        raise Conflict(f"the lines in {unlike[0]}{more} changed since: nothing was taken back", unlike)
    return [edit for edit in back if edit.old != edit.new]  # where it was merged away


def _merged(now: bytes | None, edit: FileEdit) -> bytes | None:
    """What a file is without the edit, when what was done to it since is elsewhere; else None."""
    if now is None or edit.old is None or edit.new is None:
        return None
    with tempfile.TemporaryDirectory(prefix="maw-undo-") as scratch:
        names = ("now", "new", "old")
        for name, content in zip(names, (now, edit.new, edit.old), strict=True):
            with open(os.path.join(scratch, name), "wb") as file:
                file.write(content)
        try:
            return git("merge-file", "-p", "-q", *names, cwd=scratch, env=no_git_env())
        except GitError as exc:
            if exc.code >= _NO_COUNT:
                raise
            return None
