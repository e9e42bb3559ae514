"""Partial clones, which have not all that their commits name. Standard library only."""

from __future__ import annotations

from collections.abc import Collection

from maw.git.repo import Repo
from maw.git.run import OFFLINE, git, no_git_env, of, try_line


def is_partial(repo: Repo) -> bool:
    asked = (*of(repo.common_dir), "config", "--get-regexp", r"^remote\..*\.promisor$")
    return try_line(*asked, cwd=repo.common_dir) is not None


def lacking(repo: Repo, commits: Collection[str]) -> list[str]:
    """What is in these commits' trees and not here, as far as that can be seen without fetching. Raises GitError."""
    if not commits or not is_partial(repo):
        return []
    asked = ("rev-list", "--objects", "--no-walk", "--missing=print", *commits, "--")
    told = git(*of(repo.common_dir), *asked, cwd=repo.common_dir, env={**no_git_env(), **OFFLINE})
    return [line[1:].decode("ascii") for line in told.split(b"\n") if line.startswith(b"?")]
