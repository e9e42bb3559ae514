"""Where a command was started: the repository around it, if any."""

from __future__ import annotations

from maw.errors import FatalError
from maw.git.repo import Repo, discover
from maw.git.run import GitError


def repository() -> Repo | None:
    """The repository of the current directory, None outside of one. Raises GitError when git itself is missing."""
    try:
        return discover()
    except GitError as exc:
        if exc.code == 127:
            raise
        return None


def worktree() -> str | None:
    """The top of the current work tree, where .maw.toml may lie."""
    repo = repository()
    return repo.worktree if repo else None


def needed_repository() -> Repo:
    """The repository of the current directory. Raises FatalError outside of one."""
    try:
        return discover()
    except GitError as exc:
        if "not a git repository" not in exc.message:
            raise  # it may be somebody else's, or damaged: git says which
        raise FatalError("this is not a git repository", hint="change to your project's directory first") from exc


def needed_worktree() -> str:
    """The top of the current work tree. Raises FatalError outside of one."""
    found = worktree()
    if found is None:
        raise FatalError("this is not a git work tree", hint="change to your project's directory first")
    return found
