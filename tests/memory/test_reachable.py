"""Commits that no branch has any more are marked in lists, as branches move."""

from __future__ import annotations

import pytest

from maw.memory.index import Index
from maw.memory.query import Filters
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.memory.noted import note, rows


@pytest.fixture(name="repo")
def _either(either: Repository) -> Repository:
    return either


def _unreachable(repo: Repository) -> set[str]:
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        return {row.subject for row in index.history().rows if row.unreachable}


@pytest.fixture
def noted(repo: Repository) -> Repository:
    """Three commits with a record each."""
    for name in ("one", "two", "three"):
        note(repo, repo.commit(name))
    return repo


def test_a_reset_and_what_brings_it_back(noted: Repository) -> None:
    assert _unreachable(noted) == set()
    tip = noted.git("rev-parse", "HEAD")
    noted.git("reset", "-q", "--hard", "HEAD~2")
    assert _unreachable(noted) == {"two", "three"}
    noted.git("tag", "-a", "-m", "kept", "kept", f"{tip}~1")
    assert _unreachable(noted) == {"three"}
    noted.git("worktree", "add", "-q", "--detach", "../linked", tip)
    assert _unreachable(noted) == set()
    noted.git("worktree", "remove", "../linked")
    noted.git("branch", "back", tip)
    assert _unreachable(noted) == set()


def test_the_only_branch_goes_and_comes_back(noted: Repository) -> None:
    tip = noted.git("rev-parse", "HEAD")
    assert _unreachable(noted) == set()
    noted.git("switch", "-q", "--orphan", "bare")
    noted.git("branch", "-q", "-D", "main")
    assert _unreachable(noted) == {"one", "two", "three"}
    noted.git("branch", "back", f"{tip}~1")
    assert _unreachable(noted) == {"three"}


def test_a_note_that_comes_later(noted: Repository) -> None:
    noted.git("reset", "-q", "--hard", "HEAD~1")
    left = noted.git("rev-parse", "HEAD@{1}")
    assert _unreachable(noted) == {"three"}
    note(noted, left)  # another one on the same
    note(noted, noted.commit("four"))
    assert _unreachable(noted) == {"three"}


def test_what_the_refs_pointed_at_is_gone(noted: Repository) -> None:
    noted.git("switch", "-q", "-c", "side")
    noted.commit("never noted")
    assert _unreachable(noted) == set()
    noted.git("switch", "-q", "main")
    noted.git("branch", "-q", "-D", "side")
    noted.git("reset", "-q", "--hard", "HEAD~1")
    kept = noted.git("rev-parse", "HEAD@{1}")
    noted.git("update-ref", "refs/kept/three", kept)
    noted.git("reflog", "expire", "--expire=all", "--all")
    noted.git("gc", "-q", "--prune=now")
    assert _unreachable(noted) == {"three"}


def test_what_was_rewritten_and_brought_back(noted: Repository) -> None:
    """Git carried the records on to newer commits, which are left behind: in a range, too, they are where they were."""
    noted.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    before = noted.git("rev-parse", "HEAD")
    later = {"GIT_COMMITTER_DATE": "2040-01-01T00:00:00Z"}
    noted.git("rebase", "-q", "--force-rebase", "HEAD~2", env=later)
    assert _unreachable(noted) == set() and noted.git("rev-parse", "HEAD") != before
    noted.git("reset", "-q", "--hard", before)
    assert _unreachable(noted) == set()
    assert {row.commit for row in rows(noted)} == set(noted.git("rev-list", "HEAD").split())
    noted.git("reset", "-q", "--hard", "HEAD@{1}")
    assert {row.commit for row in rows(noted)} == set(noted.git("rev-list", "HEAD").split())
    assert [row.commit for row in rows(noted, Filters(commits=[before]))] == [before]


def test_a_history_that_began_with_a_clock_that_was_ahead(repo: Repository) -> None:
    for at in range(9):
        date = "2040-01-01T00:00:00Z" if at < 2 else "2026-01-01T00:00:00Z"
        repo.git("commit", "-q", "--allow-empty", "-m", str(at), env={"GIT_COMMITTER_DATE": date})
        if at in (1, 8):
            note(repo, repo.git("rev-parse", "HEAD"))
    assert _unreachable(repo) == set()
    repo.git("reset", "-q", "--hard", "HEAD~8")
    assert _unreachable(repo) == {"1", "8"}


def test_in_the_list(noted: Repository, maw: Maw) -> None:
    noted.git("reset", "-q", "--hard", "HEAD~1")
    lines = maw("history", cwd=noted.path).out.splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["[unreachable] three", "two", "one"]
