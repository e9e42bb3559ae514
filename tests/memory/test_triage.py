"""Findings across commits: where all of them stand, and what they say where somebody looks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from maw import record
from maw.git.notes import Notes
from maw.memory import triage
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.memory.triage import Place, Word
from tests.fixtures.attendant import finding, kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository

A, B, C = (
    finding("src/a.py", "warning", id="aaaa0000", title="Divides by zero"),
    finding("b.py", "error", id="bbbb0000"),
    finding("src/c.py", "info", id="cccc0000", quote="zero = 0"),
)


@pytest.fixture
def index(repo: Repository) -> Iterator[Index]:
    """A review of C and A, and a newer one of B and A once more; A was accepted before it was dismissed."""
    commits = [repo.commit(f"Commit {number}") for number in range(2)]
    _note(repo, "review", commits[0], "01", findings=[C, A])
    _note(repo, "review", commits[1], "02", findings=[B, A])
    _note(repo, "feedback", commits[0], "03", status="accepted", finding=A)
    _note(repo, "feedback", commits[1], "04", status="dismissed", finding=A, reason="never empty", by="Z <z@z>")
    with Index(kernel_repo(repo)) as opened:
        opened.refresh()
        yield opened


def _note(repo: Repository, kind: str, commit: str, day: str, **more: object) -> None:
    data = review_record(repo, commit, kind=kind, ts=f"2026-01-{day}T00:00:00.000Z", **more)
    assert Notes(kernel_repo(repo)).append(kind, commit, [record.encode(data)])


def _places(index: Index, filters: Filters, status: str | None = None) -> list[Place]:
    return list(triage.places(index, index.numbers(triage.reviews(filters)), filters, status))


def test_each_once_the_newest_review_first_and_in_its_order(index: Index) -> None:
    found = _places(index, Filters())
    assert [place.finding[0] for place in found] == ["b", "a", "c"]
    assert found[0].number == found[1].number != found[2].number


@pytest.mark.parametrize(
    ("filters", "status", "wanted"),
    [
        (Filters(severity="warning"), None, "ba"),
        (Filters(path="src/"), None, "ac"),
        (Filters(path="src"), "open", "c"),
        (Filters(text="ZERO"), None, "ac"),
        (Filters(text="commit 0"), None, "ca"),
        (Filters(), "dismissed", "a"),
        (Filters(), "accepted", ""),
        (Filters(), "open", "bc"),
    ],
)
def test_what_is_asked_for_is_of_the_finding_and_not_of_its_review(
    index: Index, filters: Filters, status: str | None, wanted: str
) -> None:
    assert "".join(place.finding[0] for place in _places(index, filters, status)) == wanted


def test_what_stands_there_with_the_last_word(index: Index) -> None:
    items = triage.items(index, _places(index, Filters()))
    assert items is not None and None not in items
    assert [(item.finding.id, item.row.subject) for item in items if item] == [
        ("bbbb0000", "Commit 1"), ("aaaa0000", "Commit 1"), ("cccc0000", "Commit 0")
    ]  # fmt: skip
    said = [item.word for item in items if item]
    assert said == [Word("open"), Word("dismissed", "never empty", "Z <z@z>"), Word("open")]


def test_places_that_are_gone_and_findings_that_cannot_be_read(repo: Repository, index: Index) -> None:
    commit = repo.commit("Strange")
    _note(repo, "review", commit, "05", findings=[{**B, "id": "dddd0000", "line": "one"}])
    index.refresh()
    strange, *others = _places(index, Filters())
    assert triage.items(index, [strange]) == [None]
    assert triage.items(index, [*others, Place(9999, "dddd0000")]) is None


def test_the_command_lists_what_is_open_and_whatever_else_is_asked_for(
    index: Index, repo: Repository, maw: Maw
) -> None:
    ids = [line.split()[0] for line in maw("findings", cwd=repo.path).out.splitlines()]
    assert ids == ["bbbb0000", "cccc0000"]
    done = maw("findings", "--status", "all", "--limit", "1", cwd=repo.path)
    assert done.out.startswith("bbbb0000  error     open") and done.err == "maw: the newest 1; --limit shows more\n"
    (told,) = maw("findings", "--status", "dismissed", "--json", cwd=repo.path).out.splitlines()
    row = json.loads(told)
    assert (row["id"], row["status"], row["reason"], row["by"]) == ("aaaa0000", "dismissed", "never empty", "Z <z@z>")
    assert row["commit"] == repo.git("rev-parse", "HEAD")
    done = maw("findings", "HEAD~1", "--severity", "critical", cwd=repo.path)
    assert (done.code, done.out, done.err) == (0, "", "maw: no finding that fits\n")
