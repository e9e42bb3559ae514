"""The commits that were made here lately, by the reflogs of all worktrees: those in which a generation may be found.
Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from maw import change
from maw.git.repo import Repo, start_of_diff_offline
from maw.git.run import GitError, git, line, no_git_env, of
from maw.git.worktrees import git_dirs

RECENT = 100  # entries of each worktree's reflog
DIFF_MAX = 8 * 1024 * 1024  # bytes of a commit that are looked at
_TIMEOUT = 20.0  # seconds
_BIG_FILE = 1024 * 1024  # bytes; larger ones are binary to us
# What a reflog calls the making of a commit ("commit (amend)", "pull --rebase (pick)"): not a checkout, a reset or a
# pull, which bring what others made, nor where a rebase starts.
_MAKING = re.compile(
    r"(?:(?:commit|cherry-pick|revert|am|rebase)\b(?!.*\(start\))|.*\((?:pick|reword|edit|squash|fixup|continue)\))"
)


class Made(NamedTuple):
    """A commit with one parent, or none: `parent` is None then."""

    commit: str
    tree: str
    parent: str | None


def recent(repo: Repo) -> list[Made]:
    """Newest first, each once; merges are left out, since what they join was committed before."""
    found: dict[str, Made] = {}
    for git_dir in filter(_settled, git_dirs(repo)):
        with contextlib.suppress(GitError):  # no commit yet, or a worktree that is gone
            found |= {made.commit: made for made in _of_worktree(git_dir) if made.commit not in found}
    return list(found.values())


def _settled(git_dir: str) -> bool:
    """False in the middle of a rebase, whose commits may not last."""
    return not any(os.path.isdir(os.path.join(git_dir, name)) for name in ("rebase-merge", "rebase-apply"))


def _of_worktree(git_dir: str) -> Iterator[Made]:
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--format=%H%x00%T%x00%P%x00%gs")
    for walk in (("--walk-reflogs",), ()):  # without a reflog: what HEAD's history has
        command = (*of(git_dir), "log", *walk, f"-{RECENT}", *options, "HEAD", "--")
        output = git(*command, cwd=git_dir, env=no_git_env()).decode("utf-8", "replace")
        for entry in output.split("\n")[:-1]:  # no other end of a line is one: subjects may have them
            commit, tree, parents, action = entry.split("\0", 3)
            if len(parents.split()) < 2 and _makes(action):
                yield Made(commit, tree, parents or None)
        if output:
            return


def _makes(action: str) -> bool:
    """Whether a reflog's line tells of a new commit; where there is no reflog, it is empty."""
    return not action or _MAKING.match(action.partition(":")[0]) is not None


def diff_of(repo: Repo, made: Made) -> tuple[bytes, bool]:
    """What a commit changed against its parent, whole files of it up to DIFF_MAX bytes, and whether it is all. Raises
    GitError."""
    diff, whole = start_of_diff_offline(
        repo.common_dir, made.parent or empty_tree(repo), made.commit,
        limit=DIFF_MAX, timeout=_TIMEOUT, big_file_threshold=_BIG_FILE,
    )  # fmt: skip
    return (diff, True) if whole else (b"".join(list(change.sections(diff))[:-1]), False)


def base_of(repo: Repo, made: Made) -> str:
    """The tree that a commit is compared with. Raises GitError."""
    if made.parent is None:
        return empty_tree(repo)
    return _said(repo, "rev-parse", "--verify", "--quiet", f"{made.parent}^{{tree}}")


def empty_tree(repo: Repo) -> str:
    return _said(repo, "hash-object", "-t", "tree", "/dev/null")


def _said(repo: Repo, *arguments: str) -> str:
    """The line that git says, wherever we were started."""
    return line(*of(repo.common_dir), *arguments, cwd=repo.common_dir, env=no_git_env())
