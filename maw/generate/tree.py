"""The files of a working tree, to look something up in: what git knows or would add, read without following links.

Standard library only.
"""

from __future__ import annotations

import os

from maw.edits import place
from maw.edits.refusal import Refused
from maw.git.repo import Repo
from maw.git.run import git, zsplit

_LIST = ("-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")


def paths(repo: Repo) -> list[str]:
    """Raises GitError."""
    return [os.fsdecode(name) for name in zsplit(git(*_LIST, cwd=repo.root))]


def text(repo: Repo, path: str) -> str | None:
    """A file's text; None for what is not there, no plain file, or no text."""
    assert repo.worktree is not None
    try:
        found = place.read(repo.worktree, place.checked(path))
        return found.content.decode("utf-8") if found is not None else None
    except (Refused, UnicodeDecodeError):
        return None
