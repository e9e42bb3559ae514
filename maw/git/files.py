"""The files of a working tree. Standard library only."""

from __future__ import annotations

import os

from maw.git.repo import Repo
from maw.git.run import git, zsplit


def of_worktree(repo: Repo) -> list[str]:
    """The paths of all files that git knows or would add, in their order. Raises GitError."""
    options = ("-z", "--cached", "--others", "--exclude-standard")
    return sorted(set(map(os.fsdecode, zsplit(git("-c", "core.fsmonitor=false", "ls-files", *options, cwd=repo.root)))))
