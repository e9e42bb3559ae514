"""What `maw review COMMIT` writes into the commit's note: once, and in place of a record that there was no review."""

from __future__ import annotations

import json

import pytest

from maw.attendant import outbox, spool
from maw.git.notes import Notes
from maw.record import Json, standing
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import Repository


@pytest.fixture
def project(repo: Repository, fake_runner: FakeRunner) -> Repository:
    repo.commit("first", a__py="one = 1\n")
    repo.commit("second", a__py="one = 1\ntwo = 2\n")
    return repo


def _head(project: Repository) -> str:
    return project.git("rev-parse", "HEAD")


def _recorded(project: Repository, commit: str | None = None) -> list[Json]:
    return standing(Notes(kernel_repo(project)).read("review", commit or _head(project)))


def _missed(project: Repository, commit: str, **more: object) -> str:
    """A record that there was no review; its id."""
    data = review_record(project, commit, status="unreviewed", verdict="incomplete", reason="pro: away", **more)
    spool.put(kernel_repo(project), commit, data)
    spool.drain(kernel_repo(project))
    return str(data["id"])


def _listed(project: Repository, maw: Maw, *arguments: str) -> list[Json]:
    return [json.loads(line) for line in maw("history", "--json", *arguments, cwd=project.path).out.splitlines()]


def test_what_is_known_and_recorded_is_not_written_again(
    project: Repository, fake_runner: FakeRunner, maw: Maw
) -> None:
    fake_runner.plays(finding(line=2, severity="warning"))
    for _ in range(3):
        assert maw("review", "HEAD", cwd=project.path).code == 0
    assert [line["verdict"] for line in _recorded(project)] == ["warn"]
    maw("review", "HEAD", "--block-at", "warning", cwd=project.path)  # another verdict of the same
    maw("review", "HEAD", "--block-at", "warning", cwd=project.path)
    assert [line["verdict"] for line in _recorded(project)] == ["warn", "block"]
    maw("review", "HEAD", "--fresh", "--block-at", "warning", cwd=project.path)  # another review
    assert len(_recorded(project)) == 3


def test_what_is_known_is_written_where_it_is_not_recorded(
    project: Repository, fake_runner: FakeRunner, maw: Maw
) -> None:
    maw("review", "HEAD", "--no-record", cwd=project.path)
    assert _recorded(project) == []
    assert "known since" in maw("review", "HEAD", cwd=project.path).err
    assert len(_recorded(project)) == 1


def test_a_review_settles_that_there_was_none(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    _missed(project, _head(project))
    _missed(project, _head(project))  # a carried one, say
    assert len(_listed(project, maw, "--status", "unreviewed")) == 2
    assert maw("review", "HEAD", cwd=project.path).code == 0
    assert [line["status"] for line in _recorded(project)] == ["reviewed"]
    assert _listed(project, maw, "--status", "unreviewed") == []
    assert json.loads(maw("stats", "--json", cwd=project.path).out)["total"]["unreviewed"] == 0


def test_also_on_the_commit_that_git_carried_the_record_from(
    project: Repository, fake_runner: FakeRunner, maw: Maw
) -> None:
    project.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    old = _head(project)
    _missed(project, old)
    project.git("commit", "-q", "--amend", "-m", "amended")
    assert len(_recorded(project)) == 1
    maw("review", "HEAD", cwd=project.path)
    assert _listed(project, maw, "--status", "unreviewed") == []
    assert [line["status"] for line in _recorded(project, old)] == ["unreviewed"]  # as it was


def test_what_waits_for_its_review_no_longer_does(project: Repository, fake_runner: FakeRunner, maw: Maw) -> None:
    kernel, commit = kernel_repo(project), _head(project)
    missed = _missed(project, commit)
    data = {"node": "pro", "mode": "late", "block_at": "error", "head": None, "tree": "t" * 40, "base": "b" * 40}
    outbox.link(kernel, {"outbox": outbox.put(kernel, data, {"diff": ""}, max_bytes=1000), "id": missed}, commit)
    said = maw("review", "HEAD", cwd=project.path).err
    assert f"what waited in the outbox for {commit[:10]} is settled by this" in said
    assert outbox.entries(kernel) == []
