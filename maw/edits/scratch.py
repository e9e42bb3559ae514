"""A worktree for a moment: the exact state of the user's own, with edits on top, to run something in.

The state is what `git add -A` would record, so files that git ignores are not in it, and submodules are empty. It is
taken with a private index; the user's index, files and refs are not touched. What a maw that was killed left behind
is removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence

from maw import files
from maw.edits import tree
from maw.edits.diff import FileEdit
from maw.edits.journal import application
from maw.errors import FatalError
from maw.git import worktrees
from maw.git.repo import Repo, head_commit
from maw.git.run import GitError, git, line, no_git_env
from maw.git.worktrees import SCRATCH

# A checkout runs nothing of the repository's, and asks nobody for a name or a key.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "advice.addEmbeddedRepo=false",
          "-c", "core.safecrlf=false")  # fmt: skip
_SOMEBODY = {
    "GIT_AUTHOR_NAME": "maw", "GIT_AUTHOR_EMAIL": "maw", "GIT_COMMITTER_NAME": "maw", "GIT_COMMITTER_EMAIL": "maw",
}  # fmt: skip


def snapshot(repo: Repo) -> str:
    """A commit (on no branch) of the working tree as it is, untracked files included. Raises GitError."""
    with tempfile.TemporaryDirectory(prefix="maw-index-") as folder:
        index = os.path.join(folder, "index")
        with contextlib.suppress(FileNotFoundError):  # it knows which files need not be read again
            # With its time: git looks again at files that were changed in the second in which an index was written.
            shutil.copy2(os.path.join(repo.git_dir, "index"), index)
        env = {**no_git_env(), "GIT_INDEX_FILE": index, **_SOMEBODY}
        # What cannot be read, or is a repository without a commit, is left out.
        git(*_QUIET, "add", "-A", "--ignore-errors", "--", ":/", cwd=repo.root, env=env, well=(0, 1))
        made = line("write-tree", cwd=repo.root, env=env)
        head = head_commit(repo)
        parent = ("-p", head) if head else ()
        return line(*_QUIET, "commit-tree", *parent, "-m", "maw: the working tree", made, cwd=repo.root, env=env)


@contextlib.contextmanager
def worktree(repo: Repo, edits: Sequence[FileEdit]) -> Iterator[str]:
    """The path of a worktree with the edits, removed when the block ends. Raises FatalError.

    What the edits make of their files is what counts: whether the user's changed since, applying them finds out."""
    folder, lease, held = _leased(repo)
    try:
        # Named as the user's own: some tools look at the folder's name.
        path = os.path.join(folder, os.path.basename(repo.root))
        git(*_QUIET, "worktree", "add", "-q", "--detach", path, snapshot(repo), cwd=repo.root, env=no_git_env())
        _put(path, edits)
        yield path
    finally:
        _remove(repo, folder)
        os.unlink(lease)
        os.close(held)


def _leased(repo: Repo) -> tuple[str, str, int]:
    """A new folder, and its lease: a file that names it, and that is locked for as long as we live."""
    leases = os.path.join(repo.maw_dir, "scratch")
    os.makedirs(leases, mode=0o700, exist_ok=True)
    try:
        with files.lock(f"{leases}.lock"):  # nobody sweeps away a lease before it is locked
            _sweep(repo, leases)
            folder = tempfile.mkdtemp(prefix=SCRATCH)
            lease = os.path.join(leases, os.path.basename(folder))
            held = files.try_lock(lease)
    except TimeoutError as exc:
        raise FatalError(f"{leases}.lock is held by another maw command", hint="try again when it is done") from exc
    assert held is not None, "mkdtemp's names are nobody else's"
    os.write(held, os.fsencode(folder))
    return folder, lease, held


def _put(path: str, edits: Sequence[FileEdit]) -> None:
    # A filter or `core.autocrlf` may have checked out other bytes than the user's: here the edit's own are right.
    plain = [edit._replace(old=_content(path, edit)) for edit in edits]
    try:
        tree.carry_out(path, application(plain, ()))
    except tree.Changed as exc:
        raise FatalError(f"{exc.path} cannot be put into the scratch worktree") from exc


def _content(path: str, edit: FileEdit) -> bytes | None:
    return files.read_optional(os.path.join(path, edit.path)) if edit.old is not None else None


def _remove(repo: Repo, folder: str) -> None:
    """The folder, which may hold what a test made unwritable, and git's knowledge of the worktree: of this one alone,
    as `git worktree prune` would forget those that lie on a disk which is not mounted now."""
    for above, names, _ in os.walk(folder):  # each is listed after it was made readable
        for name in names:
            path = os.path.join(above, name)
            if not os.path.islink(path):
                with contextlib.suppress(FileNotFoundError):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
    for path in worktrees.scratch(repo, os.path.basename(folder)):
        with contextlib.suppress(GitError):  # it is gone already
            git("worktree", "remove", "--force", "--force", path, cwd=repo.root, env=no_git_env())


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _sweep(repo: Repo, leases: str) -> None:
    """Remove the worktrees of processes that are gone: nobody holds their lease."""
    for name in _names(leases):
        lease = os.path.join(leases, name)
        held = files.try_lock(lease)
        if held is None:
            continue
        try:
            folder = os.fsdecode(os.pread(held, 4096, 0))
            if os.path.basename(folder) == name and name.startswith(SCRATCH):
                _remove(repo, folder)
            os.unlink(lease)
        finally:
            os.close(held)
