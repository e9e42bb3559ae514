"""The files of a working tree. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from maw.git.repo import Repo
from maw.git.run import git, zsplit


def of_worktree(repo: Repo) -> list[str]:
    """The paths of all files that git knows or would add, those of one folder together; paths that are not UTF-8 are
    left out. Raises GitError."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=repo.root)
    return sorted(set(_texts(zsplit(listed))))


def _texts(paths: list[bytes]) -> Iterator[str]:
    for path in paths:
        try:
            yield path.decode("utf-8")
        except UnicodeDecodeError:
            continue
