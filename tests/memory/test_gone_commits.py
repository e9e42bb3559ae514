"""Notes come along of commits that stay behind: amended where they were made, and never pushed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from maw.attendant import spool
from maw.git.notes import Notes
from maw.memory import dismissed, feedback
from maw.memory.index import Index
from maw.record import encode, new_id
from tests.fixtures.attendant import finding, kernel_repo
from tests.fixtures.git import Repository, make_repository
from tests.memory.noted import note
from tests.memory.spooling import drain_all

ID = "aaaa0001"


def _cloned(repo: Repository, home: Path) -> Repository:
    """A clone with the notes of all commits, and of these what the branch has."""
    bare = make_repository(home / "bare.git", "--bare")
    repo.git("push", "-q", str(bare.path), "main", "refs/notes/maw/*")
    subprocess.run(["git", "clone", "-q", f"file://{bare.path}", str(home / "clone")], check=True, timeout=60)
    clone = Repository(home / "clone")
    clone.git("fetch", "-q", "origin", "refs/notes/maw/*:refs/notes/maw/*")
    return clone


def _dismissed(clone: Repository) -> str | None:
    """Dismiss the finding; the commit that this is noted on."""
    kernel = kernel_repo(clone)
    with Index(kernel) as index:
        index.refresh()
        place = feedback.find(kernel, index, ID)
    feedback.say(kernel, place, "dismissed", "no")
    drain_all(clone)
    return place.commit


def test_a_dismissal_is_noted_on_the_commit_that_is_here(repo: Repository, home: Path) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    note(repo, repo.commit("one", a__py="x\n"), findings=[finding("a.py", id=ID)])
    repo.git("commit", "-q", "--amend", "-m", "better")
    clone = _cloned(repo, home)
    assert _dismissed(clone) == clone.git("rev-parse", "HEAD")
    assert len(dismissed.current(kernel_repo(clone))) == 1


def test_what_is_said_of_a_commit_that_never_came_is_kept(repo: Repository, home: Path) -> None:
    repo.commit("base")
    left = repo.commit("one", a__py="x\n")
    note(repo, left, findings=[finding("a.py", id=ID)])
    repo.git("reset", "-q", "--hard", "HEAD~")
    clone = _cloned(repo, home)
    kernel = kernel_repo(clone)
    assert _dismissed(clone) == left
    assert len(dismissed.current(kernel)) == 1 and clone.git("notes", "--ref=maw/feedback", "show", left)
    with Index(kernel) as index:
        index.refresh()
        assert feedback.undo(kernel, index) is not None
    spool.drain(kernel)
    assert len(dismissed.current(kernel)) == 0


def test_what_somebody_took_back_where_the_commit_was_not_amended(repo: Repository) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/maw/*")
    old, kernel = repo.commit("one", a__py="x\n"), kernel_repo(repo)
    note(repo, old, findings=[finding("a.py", id=ID)])
    assert _dismissed(repo) == old
    (said,) = Notes(kernel).read("feedback", old)
    repo.git("commit", "-q", "--amend", "-m", "better")
    taken_back = {"v": 1, "id": new_id(), "ts": "2026-01-01T00:00:00Z", "kind": "retract", "retracts": said.id}
    Notes(kernel).append("feedback", old, [encode(taken_back)])
    assert len(dismissed.current(kernel)) == 0
    with Index(kernel) as index:
        index.refresh()
        assert index.feedback() == []
    note(repo, repo.git("rev-parse", "HEAD"), kind="feedback")  # that note is read again
    with Index(kernel) as index:
        index.refresh()
        assert [data["id"] for _, data in index.feedback()] != [said.id] and len(index.feedback()) == 1
