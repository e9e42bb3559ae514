"""Which way to a repository's objects and refs: libgit2 where it can open it, else git itself. Needs pygit2."""

from __future__ import annotations

from maw.git.libgit import CannotOpen, LibGit
from maw.git.objects import Objects
from maw.git.plumbing import Plumbing
from maw.git.repo import Repo


def open_store(repo: Repo) -> Objects:
    """The repository that all worktrees share. Raises GitError, which names the reason, when git cannot open it."""
    try:
        return LibGit(repo)
    except CannotOpen:
        return Plumbing(repo)
