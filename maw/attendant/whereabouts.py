"""Where a commit is by now: git may have amended or rebased it while its record was on the way. May need pygit2.

git carries notes along at the end of a rewrite, so what was no note by then has to follow by itself. git keeps no list
of what became of what. But a rewritten commit has its author and the very second of authorship, an amend is in the
reflog, and a squash is a commit that a rebase made of several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from maw.git.repo import Repo
from maw.git.run import OFFLINE, GitError, git, no_git_env, of
from maw.git.worktrees import git_dirs, heads

RECENT = 2000  # commits of all branches that are looked at
REFLOG = 200  # entries of each worktree's
_FIELDS = ("%H", "%T", "%P", "%an <%ae> %at", "%s", "%B")
_PLAIN = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch")
_JOINS = re.compile(r"(rebase|pull)[^:]* \((squash|fixup)\)")  # what the reflog says of it
_MARKS = ("fixup! ", "squash! ", "amend! ")


class _Commit(NamedTuple):
    oid: str
    tree: str
    parent: str | None
    author: str  # with the time
    subject: str
    message: str


class Whereabouts:
    """What git made of commits. It looks once, when the first question needs it, so it is good for a moment only."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    def has(self, commit: str) -> bool:
        """Whether HEAD, here or in a linked worktree, or a branch has it. Most commits are among the newest ones."""
        near = commit in self._heads or any(other.oid == commit for other in self._recent)
        return near or self._is_in(commit, "--branches", *self._heads)

    def rewritten(self, commit: str) -> str | None:
        """The commit that an amend or a rebase made of one; None when a branch still has that, or nothing is known."""
        if self.has(commit):
            return None
        now = commit
        seen = {now}
        while now in self._amended and self._amended[now] not in seen:
            now = self._amended[now]
            seen.add(now)
        if self.has(now):
            return now
        mine = next(self._log("-1", now), None)
        return None if mine is None else self._of_author(mine) or self._joined(mine)

    def of_change(self, commit: str, tree: str, base: str) -> str | None:
        """The commit whose note should tell of the change from `base` to `tree`, which `commit` was made of.

        That is `commit` while a branch has it; else what git made of it; else one of the same tree, best on the same
        base; else one with the same patch; else `commit` as long as the repository has it (a reflog may bring it back);
        else None.
        """
        if self.has(commit):
            return commit
        same = [other for other in self._recent if other.tree == tree]
        trees = {other.oid: other.tree for other in self._recent}
        exact = [other for other in same if other.parent is not None and trees.get(other.parent) == base]
        found = self.rewritten(commit) or next((other.oid for other in exact or same), None)
        if found is not None:
            return found
        patched = _same_patch(self._repo, self._recent[: RECENT // 10], tree, base)
        return patched or (commit if self.exists(commit) else None)

    def exists(self, commit: str) -> bool:
        """Whether the repository has it at all."""
        return next(self._log("-1", commit), None) is not None

    def _is_in(self, commit: str, *refs: str) -> bool:
        """Whether one of these has it; False for a commit that the repository has not."""
        command = (*of(self._repo.common_dir), "rev-list", "-1", commit, "--not", *refs, "--")
        try:
            return not git(*command, cwd=self._repo.common_dir, env={**no_git_env(), **OFFLINE})
        except GitError:
            return False

    @cached_property
    def _heads(self) -> set[str]:
        return heads(self._repo)

    @cached_property
    def _recent(self) -> list[_Commit]:
        """The newest commits of all HEADs and branches, newest first."""
        return list(self._log(f"-{RECENT}", "--branches", *sorted(self._heads)))

    def _log(self, *arguments: str) -> Iterator[_Commit]:
        form = f"--format=tformat:{'%x00'.join(_FIELDS)}"
        command = (*of(self._repo.common_dir), "log", "-z", *_PLAIN, form, *arguments, "--")
        try:
            output = git(*command, cwd=self._repo.common_dir, env={**no_git_env(), **OFFLINE}).decode(
                "utf-8", "replace"
            )
        except GitError:
            return  # the commit, or a part of the history, is gone
        words = output.split("\0")
        for at in range(0, len(words) - len(_FIELDS) + 1, len(_FIELDS)):
            oid, tree, parents, *said = words[at : at + len(_FIELDS)]
            yield _Commit(oid, tree, parents.split()[0] if parents else None, *said)

    @cached_property
    def _moves(self) -> list[tuple[str | None, str, str]]:
        """Where HEAD was, where it went, and by what, newest first: of each worktree."""
        found: list[tuple[str | None, str, str]] = []
        for git_dir in git_dirs(self._repo):
            command = (*of(git_dir), "log", "--walk-reflogs", f"-{REFLOG}", *_PLAIN, "--format=%H %gs", "HEAD", "--")
            try:
                lines = git(*command, cwd=git_dir, env=no_git_env()).decode("utf-8", "replace").splitlines()
            except GitError:
                continue  # no commit yet, or a worktree that is gone
            entries = [line.partition(" ")[::2] for line in lines]
            before = [oid for oid, _ in entries[1:]]
            found += zip([*before, None], *zip(*entries, strict=True), strict=True) if entries else []
        return found

    @cached_property
    def _amended(self) -> dict[str, str]:
        moves = ((old, new) for old, new, what in self._moves if what.startswith("commit (amend)"))
        return {old: new for old, new in moves if old is not None}

    def _of_author(self, mine: _Commit) -> str | None:
        """By author and time, which git keeps. Two commits of one second may have both, so something else must fit."""
        found = [other for other in self._recent if other.author == mine.author]
        sure = False
        for key in ("subject", "tree"):
            alike = [other for other in found if getattr(other, key) == getattr(mine, key)]
            found, sure = alike or found, sure or bool(alike)
        if len(found) == 1 and sure:
            return found[0].oid
        base = next(self._log("-1", mine.parent), None) if found and mine.parent is not None else None
        return _same_patch(self._repo, found, mine.tree, base.tree) if base is not None else None

    def _joined(self, mine: _Commit) -> str | None:
        """The squash or fixup that a rebase made of a commit and those before it: by its words, so only of one that no
        tag or remote has either."""
        if self._is_in(mine.oid, "--tags", "--remotes"):
            return None
        joined = {new for _, new, what in self._moves if _JOINS.match(what)}
        target = next((mine.subject.removeprefix(mark) for mark in _MARKS if mine.subject.startswith(mark)), None)
        for other in self._recent:
            told = mine.subject and mine.subject in other.message.splitlines()
            if other.oid in joined and (told or other.tree == mine.tree or other.subject == target):
                return other.oid
        return None


def _same_patch(repo: Repo, among: list[_Commit], tree: str, base: str) -> str | None:
    from maw.git import patchid  # only for a commit that was rewritten onto another base
    from maw.git.store import open_store

    objects = open_store(repo)
    mine = objects.patch_id(base, tree)
    if mine is None or mine.has_binary:
        return None
    for other in among:  # a diff each
        commit = objects.commit(other.oid)
        if commit is not None and patchid.of_commit(objects, commit) == mine:
            return other.oid
    return None
