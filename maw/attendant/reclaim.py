"""Outcomes of commits whose post-commit did not come to its end (kill -9, a power cut): they become notes all the
same. Standard library only, as spool.drain is."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from maw.attendant import outbox, pending, spool
from maw.git.repo import Repo
from maw.git.run import GitError, git, no_git_env
from maw.git.worktrees import git_dirs
from maw.light import NamedTuple
from maw.memory import waiting as feedback

GRACE = 5.0  # seconds a post-commit may take before it is taken for dead
RECENT = 50  # entries of each worktree's reflog; older commits whose outcome still waits are left to pending.expire


class Made(NamedTuple):
    """A commit that HEAD came to. `before` is what HEAD may have been when pre-commit ran; `time` is when it was
    committed, in seconds since 1970."""

    commit: str
    tree: str
    before: list[str | None]
    time: float


def reclaim(repo: Repo) -> int:
    """Move what waits for a commit that is made by now into the spool; how many. Raises OSError and FatalError."""
    if not pending.any_waiting(repo) and not feedback.entries(repo):
        return 0
    return sum(_reclaimed(repo, made) + _landed(repo, made) for made in _recent(repo))


def _landed(repo: Repo, made: Made) -> int:
    """Feedback on what became this commit."""

    def due(entry: feedback.Waiting) -> bool:
        try:
            return _is_due(os.stat(entry.path).st_mtime, made)
        except FileNotFoundError:
            return False  # its post-commit has just taken it

    return feedback.land(repo, made.commit, made.tree, made.before, due)


def _is_due(written: float, made: Made) -> bool:
    """What is younger than the commit belongs to another one, which is being made; and git tells a commit's time in
    whole seconds, so one that is very young may do so too (`merge --squash` of what was just committed)."""
    return int(written) <= made.time and time.time() - written >= GRACE


def _reclaimed(repo: Repo, made: Made) -> bool:
    waiting = pending.match(repo, made.tree, made.before)
    if waiting is None:
        return False
    if not _is_due(_written_at(repo, waiting), made):
        return False
    try:
        spool.put(repo, made.commit, pending.to_record(waiting, made.commit))
    except ValueError:
        return False  # damaged; it expires
    outbox.link(repo, waiting, made.commit)
    pending.consume(repo, waiting)
    return True


def _written_at(repo: Repo, waiting: pending.Json) -> float:
    try:
        return pending.written_at(repo, waiting)
    except FileNotFoundError:
        return float("inf")  # its post-commit has just taken it


def _recent(repo: Repo) -> Iterator[Made]:
    for git_dir in git_dirs(repo):
        with contextlib.suppress(GitError):  # no commit yet, or a worktree that is gone
            yield from _of_worktree(git_dir)


def _of_worktree(git_dir: str) -> Iterator[Made]:
    """What HEAD was lately, but for a commit whose post-commit may still run. Raises GitError."""
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--format=%H %T %ct %P")
    walk = ("--walk-reflogs", f"-{RECENT + 1}")
    command = ("--git-dir", git_dir, "log", *walk, *options, "HEAD", "--")
    lines = git(*command, cwd=git_dir, env=no_git_env()).decode("ascii").splitlines()
    entries = [line.split() for line in lines]
    for at, (commit, tree, committed, *parents) in enumerate(entries[:RECENT]):
        if at == 0 and time.time() - _moved_at(git_dir, float(committed)) < GRACE:
            continue
        before: list[str | None] = [entry[0] for entry in entries[at + 1 : at + 2]]
        before += parents or [None]
        yield Made(commit, tree, before, float(committed))


def _moved_at(git_dir: str, committed: float) -> float:
    """When HEAD last moved, by the clock and not by GIT_COMMITTER_DATE, where there is a reflog's file to tell."""
    try:
        return os.stat(os.path.join(git_dir, "logs", "HEAD")).st_mtime
    except FileNotFoundError:
        return committed
