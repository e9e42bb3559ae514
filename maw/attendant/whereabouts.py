"""Where a commit is by now: git may have amended or rebased it while its review was on the way. May need pygit2."""

from __future__ import annotations

from typing import NamedTuple

from maw.git.repo import Repo
from maw.git.run import git, no_git_env, try_line

RECENT = 2000  # commits of all branches that are looked at


class _Commit(NamedTuple):
    oid: str
    tree: str
    parent: str | None


def now_at(repo: Repo, commit: str, tree: str, base: str) -> str | None:
    """The commit whose note should tell of the change from `base` to `tree`, which `commit` was made of.

    That is `commit` while a branch has it; else one of the same tree, best on the same base; else one with the same
    patch; else `commit` as long as the repository has it (a reflog may bring it back); else None.
    """
    recent = _recent(repo)
    if any(other.oid == commit for other in recent):
        return commit
    same = [other for other in recent if other.tree == tree]
    trees = {other.oid: other.tree for other in recent}
    exact = [other for other in same if other.parent is not None and trees.get(other.parent) == base]
    if exact or same:
        return (exact or same)[0].oid
    exists = try_line("cat-file", "-e", f"{commit}^{{commit}}", cwd=repo.root, env=no_git_env()) is not None
    return _same_patch(repo, recent, tree, base) or (commit if exists else None)


def _recent(repo: Repo) -> list[_Commit]:
    """The newest commits of HEAD and all branches, newest first."""
    heads = ["--branches"]
    if try_line("rev-parse", "--verify", "--quiet", "HEAD", cwd=repo.root, env=no_git_env()) is not None:
        heads.append("HEAD")
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--format=%H %T %P")
    lines = git("log", f"-{RECENT}", *options, *heads, "--", cwd=repo.root, env=no_git_env()).decode("ascii")
    words = [line.split() for line in lines.splitlines()]
    return [_Commit(oid, tree, parents[0] if parents else None) for oid, tree, *parents in words]


def _same_patch(repo: Repo, recent: list[_Commit], tree: str, base: str) -> str | None:
    from maw.git import patchid  # only for a commit that was rewritten onto another base
    from maw.git.store import open_store

    objects = open_store(repo)
    mine = objects.patch_id(base, tree)
    if mine is None or mine.has_binary:
        return None
    for other in recent[: RECENT // 10]:  # a diff each
        commit = objects.commit(other.oid)
        if commit is not None and patchid.of_commit(objects, commit) == mine:
            return other.oid
    return None
