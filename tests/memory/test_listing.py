"""Lists of any length: one row a commit, all numbers at once, rows where somebody looks."""

from __future__ import annotations

from typing import Any

import pytest

from maw import record
from maw.git.notes import Notes
from maw.memory import listing
from maw.memory.index import Index, Stopped
from maw.memory.query import Filters
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.git import Repository

LEADING = Filters(leading=True, feedback=False)


def note(repository: Repository, kind: str, commit: str, ts: str, **more: Any) -> str:
    data = review_record(repository, commit, kind=kind, ts=f"2026-01-{ts}T00:00:00.000Z", **more)
    assert Notes(kernel_repo(repository)).append(kind, commit, [record.encode(data)])
    return str(data["id"])


@pytest.fixture
def noted(repo: Repository) -> list[str]:
    """Three commits: a review under a newer message, a message alone, a review with feedback and an older review."""
    commits = [repo.commit(f"Commit {number}") for number in range(3)]
    note(repo, "review", commits[0], "01", verdict="warn", findings=[finding("a.py", "warning")])
    note(repo, "message", commits[0], "09", status="taken")
    note(repo, "message", commits[1], "02", status="edited")
    note(repo, "review", commits[2], "03")
    note(repo, "review", commits[2], "05", verdict="block", findings=[finding("b.py")])
    note(repo, "feedback", commits[2], "06", status="accepted", finding=finding("b.py"))
    return commits


def test_one_row_a_commit_which_is_its_newest_review(repo: Repository, noted: list[str]) -> None:
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        page = index.history(LEADING)
        assert [(row.commit, row.kind) for row in page.rows] == [
            (noted[2], "review"), (noted[1], "message"), (noted[0], "review")
        ]  # fmt: skip
        assert page.rows[0].verdict == "block"
        assert [row.kind for row in index.history(LEADING._replace(kind="message")).rows] == ["message", "message"]
        feedback = index.history(LEADING._replace(kind="feedback", feedback=True)).rows
        assert [(row.commit, row.kind) for row in feedback] == [(noted[2], "feedback")]


def test_numbers_are_those_of_the_pages(repo: Repository, noted: list[str]) -> None:
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        for filters in (LEADING, Filters(), Filters(severity="error"), LEADING._replace(commits=[noted[1]])):
            whole = index.history(filters, 100).rows
            numbers = index.numbers(filters)
            assert listing.rows(index, numbers) == whole
            assert listing.rows(index, numbers[::-1]) == whole[::-1]
        assert len(index.numbers(LEADING)) == 3
        assert listing.rows(index, [10**9]) == []


def test_the_first_numbers_are_told_before_the_others(repo: Repository, noted: list[str]) -> None:
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        for first in (0, 2, 100):
            told: list[list[int]] = []
            whole = list(index.numbers(LEADING, first=first, begun=lambda numbers: told.append(list(numbers))))  # noqa: B023
            assert told == [whole[:first]]
            assert len(whole) == 3


def test_a_question_that_nobody_asks_any_more_is_given_up(repo: Repository, noted: list[str]) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    looks = iter([False, False, True])
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        with index.stoppable(lambda: next(looks)), pytest.raises(Stopped):
            index.select(endless)
        assert len(index.numbers(LEADING)) == 3  # neither made anew nor stopped again
        assert next(looks, None) is None


def test_kinds_and_feedback_of_commits(repo: Repository, noted: list[str]) -> None:
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        assert listing.kinds(index, noted) == {
            noted[0]: ["message", "review"], noted[1]: ["message"], noted[2]: ["feedback", "review"]
        }  # fmt: skip
        assert listing.said(index, noted) == {noted[2]: {"0badf00d": "accepted"}}
        assert listing.kinds(index, ["0" * 40] * 1200) == {}


def test_the_commit_of_a_task_is_the_newest_that_has_it(repo: Repository, noted: list[str]) -> None:
    note(repo, "review", noted[1], "10", node="pro", task="0123456789ab")
    note(repo, "message", noted[2], "11", node="local", task="ba9876543210")
    gone = review_record(repo, noted[0], task="abcabcabcabc")
    assert Notes(kernel_repo(repo)).append("review", "0" * 40, [record.encode(gone)])
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        assert listing.commit_of_task(index, "0123456789ab") == noted[1]
        assert listing.commit_of_task(index, "ba9876543210") == noted[2]
        plan = index.select(f"EXPLAIN QUERY PLAN {listing.OF_TASK}", ["0123456789ab"])
        assert "records_by_task" in plan[0]["detail"]  # it is asked at each Enter, however long the history is
        for none in ("abcabcabcabc", "23456789ab", "%", "", "/0123456789ab"):
            assert listing.commit_of_task(index, none) is None
