"""An outcome whose post-commit was killed becomes a note all the same, and one whose commit is being made is left."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from maw.attendant import pending, reclaim, spool
from maw.edits import scratch
from maw.git.repo import empty_tree
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

Json = dict[str, object]


def commit_without_post_commit(repo: Repository, text: str, **more: object) -> tuple[str, str]:
    """As pre-commit and git leave it: the commit's id, and that of the record which waits for it."""
    repo.write("a.txt", text)
    repo.git("add", "a.txt")
    tree = repo.git("write-tree")
    head = repo.git("rev-parse", "--verify", "-q", "HEAD", check=False) or None
    base = repo.git("rev-parse", "HEAD^{tree}") if head else empty_tree(kernel_repo(repo))
    data = review_record(repo, "HEAD", tree=tree, base=base) if head else review_record_of(repo, tree, base)
    data = {key: value for key, value in data.items() if key != "head"} | {"blocked": False, "request": "x"} | more
    pending.write(kernel_repo(repo), tree, head, data)
    repo.git("commit", "-q", "-m", text)
    return repo.git("rev-parse", "HEAD"), str(data["id"])


def review_record_of(repo: Repository, tree: str, base: str) -> Json:
    other = repo.git("commit-tree", "-m", "x", tree)
    return review_record(repo, other, tree=tree, base=base)


def settle(repo: Repository, git_dir: str = ".git") -> None:
    """HEAD moved a while ago, and what waits has waited since."""
    os.utime(repo.path / git_dir / "logs" / "HEAD", (0, 0))
    age(repo)


def age(repo: Repository) -> None:
    """Every outcome that waits was left a minute ago."""
    past = time.time() - 60
    for name in waiting(repo):
        os.utime(os.path.join(pending.directory(kernel_repo(repo)), name), (past, past))


def waiting(repo: Repository) -> list[str]:
    return os.listdir(pending.directory(kernel_repo(repo)))


@pytest.mark.parametrize("blocked", [False, True])
def test_a_killed_post_commit_loses_nothing(repo: Repository, maw: Maw, blocked: bool) -> None:
    first, first_id = commit_without_post_commit(repo, "first\n")
    second, second_id = commit_without_post_commit(repo, "second\n", blocked=blocked)
    settle(repo)
    for commit, identity in ((first, first_id), (second, second_id)):
        (noted,) = maw("show", "--json", commit, cwd=repo.path).json["records"]
        assert (noted["id"], noted["head"], noted["standing"]) == (identity, commit, "exact")
        assert not noted.keys() & {"blocked", "request", "parent"}
        assert noted.get("bypassed", False) == (blocked and commit == second)
    assert waiting(repo) == []


def test_a_running_post_commit_is_not_raced(repo: Repository) -> None:
    first, _ = commit_without_post_commit(repo, "first\n")
    commit_without_post_commit(repo, "second\n")
    assert reclaim.reclaim(kernel_repo(repo)) == 0  # each is so young that it may be of a commit which is being made
    age(repo)
    assert reclaim.reclaim(kernel_repo(repo)) == 1  # the first: its post-commit ended before git went on
    assert [first in path.read_text() for path in (repo.path / ".git" / "maw" / "spool").iterdir()] == [True]
    assert len(waiting(repo)) == 1
    settle(repo)
    assert reclaim.reclaim(kernel_repo(repo)) == 1


def test_a_review_younger_than_the_commit_waits_for_its_own(repo: Repository) -> None:
    """`git reset --soft HEAD~`, and the same again: while the message is written the old commit matches too."""
    repo.commit("base")
    old, _ = commit_without_post_commit(repo, "same\n")
    repo.git("reset", "-q", "--soft", "HEAD~")
    settle(repo)
    name = waiting(repo)[0]
    soon = time.time() + 5
    os.utime(os.path.join(pending.directory(kernel_repo(repo)), name), (soon, soon))
    assert reclaim.reclaim(kernel_repo(repo)) == 0
    os.utime(os.path.join(pending.directory(kernel_repo(repo)), name), (0, 0))
    assert reclaim.reclaim(kernel_repo(repo)) == 1
    assert old in Path(spool.waiting(kernel_repo(repo))[0]).read_text()


def test_an_amend_and_a_linked_worktree(repo: Repository) -> None:
    repo.commit("base", a__txt="0\n")
    amended = repo.git("rev-parse", "HEAD")
    repo.write("a.txt", "amended\n")
    repo.git("add", "a.txt")
    tree = repo.git("write-tree")
    pending.write(kernel_repo(repo), tree, amended, review_record(repo, amended, tree=tree))
    repo.git("commit", "-q", "--amend", "-m", "amended")
    settle(repo)
    assert reclaim.reclaim(kernel_repo(repo)) == 1
    repo.git("worktree", "add", "-q", "../other")
    other = Repository(repo.path.parent / "other")
    commit, _ = commit_without_post_commit(other, "there\n")
    settle(repo, ".git/worktrees/other")
    assert reclaim.reclaim(kernel_repo(repo)) == 1
    assert any(commit in Path(path).read_text() for path in spool.waiting(kernel_repo(repo)))


def test_a_blocked_commit_goes_on_waiting(repo: Repository) -> None:
    head = repo.commit("base", a__txt="0\n")
    repo.write("a.txt", "blocked\n")
    repo.git("add", "a.txt")
    tree = repo.git("write-tree")
    pending.write(kernel_repo(repo), tree, head, review_record(repo, head, tree=tree))
    settle(repo)
    assert reclaim.reclaim(kernel_repo(repo)) == 0 and len(waiting(repo)) == 1
    with scratch.worktree(kernel_repo(repo), ()) as path:  # which is of the same tree, and on the same commit
        (linked,) = (repo.path / ".git/worktrees").iterdir()
        settle(repo, f".git/worktrees/{linked.name}")
        assert repo.git("-C", path, "rev-parse", "HEAD^{tree}", "HEAD^").split() == [tree, head]
        assert reclaim.reclaim(kernel_repo(repo)) == 0 and len(waiting(repo)) == 1


def test_what_is_damaged_harms_nothing(repo: Repository) -> None:
    commit_without_post_commit(repo, "first\n", id="../../x")
    settle(repo)
    assert reclaim.reclaim(kernel_repo(repo)) == 0
    assert spool.waiting(kernel_repo(repo)) == []
