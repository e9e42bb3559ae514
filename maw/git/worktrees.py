"""A repository's worktrees: their git directories, and the commits that they are at. Standard library only (hook path).

Those in which maw tries something (maw/edits/scratch.py) are none of them: they are at a commit of the user's tree as
it lies there, which nobody made, and which is gone in a moment.
"""

from __future__ import annotations

import os

from maw.git.repo import Repo
from maw.git.run import git, no_git_env, of

SCRATCH = "maw-verify-"  # how the name begins of the folder that such a worktree is in


def git_dirs(repo: Repo) -> list[str]:
    """The git directories that have a HEAD: the common one, and those of linked worktrees."""
    return [repo.common_dir, *(os.path.join(_folder(repo), name) for name in _linked(repo))]


def heads(repo: Repo) -> set[str]:
    """The commits that HEAD is at, here and in all linked worktrees; none before the first one."""
    names = "".join(f"{name}\n" for name in ("HEAD", *(f"worktrees/{worktree}/HEAD" for worktree in _linked(repo))))
    asked = (*of(repo.common_dir), "cat-file", "--batch-check=%(objecttype) %(objectname)")
    answers = git(*asked, cwd=repo.common_dir, env=no_git_env(), stdin=os.fsencode(names)).split(b"\n")
    return {answer.removeprefix(b"commit ").decode("ascii") for answer in answers if answer.startswith(b"commit ")}


def scratch(repo: Repo, folder: str) -> list[str]:
    """The worktrees that git knows in the folder of this name, whether they are there or not."""
    places = (_place(os.path.join(_folder(repo), name)) for name in _names(repo))
    return [place for place in places if os.path.basename(os.path.dirname(place)) == folder]


def _linked(repo: Repo) -> list[str]:
    """The names that git knows linked worktrees by."""
    return [name for name in _names(repo) if not _is_scratch(_place(os.path.join(_folder(repo), name)))]


def _names(repo: Repo) -> list[str]:
    try:
        return sorted(os.listdir(_folder(repo)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _folder(repo: Repo) -> str:
    return os.path.join(repo.common_dir, "worktrees")


def _place(git_dir: str) -> str:
    """Where the worktree of a git directory is, which has the path of its `.git`; empty for one that is just coming."""
    try:
        with open(os.path.join(git_dir, "gitdir"), "rb") as file:
            told = os.fsdecode(file.read().rstrip(b"\n"))
    except OSError:
        return ""
    return os.path.dirname(os.path.normpath(os.path.join(git_dir, told)))


def _is_scratch(place: str) -> bool:
    return os.path.basename(os.path.dirname(place)).startswith(SCRATCH)
