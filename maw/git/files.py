"""The files of a working tree, and how git names them. Standard library only."""

from __future__ import annotations

import os

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import git, zsplit


def of_worktree(repo: Repo) -> list[str]:
    """The paths of all files that git knows or would add, in their order. Raises GitError."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    return sorted(set(map(os.fsdecode, zsplit(git("-c", "core.fsmonitor=false", "ls-files", *options, cwd=repo.root)))))


def in_repository(repo: Repo, given: str, start: str | None = None) -> str:
    """A path as git names it; `.` is the top. `start` is the directory that it is given from, where that is not the
    current one. Raises FatalError outside of the repository."""
    here = os.path.realpath(os.path.dirname(os.path.join(start or os.getcwd(), given)) or "/")
    path = os.path.relpath(os.path.normpath(os.path.join(here, os.path.basename(given))), os.path.realpath(repo.root))
    if path == ".." or path.startswith("../"):
        raise FatalError(f"{given} is outside of the repository", hint=f"it begins at {repo.root}")
    return path
