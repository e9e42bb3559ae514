"""Several who write notes at the same time: nobody's lines are lost."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

from maw.git.notes import Notes
from maw.record import encode
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository

REF = "refs/notes/maw/review"


@pytest.fixture
def repo(either: Repository) -> Repository:
    """What is promised here is promised for both ways to a repository."""
    return either


WRITER = """
import sys
from maw import record
from maw.git.notes import Notes
from maw.git.repo import discover
notes = Notes(discover(sys.argv[1]))
for line in sys.stdin.read().split():
    data = {"v": 1, "id": record.new_id(), "ts": record.now(), "kind": "review"}
    notes.append("review", line, [record.encode(data)])
"""


def _many_commits(repository: Repository, count: int) -> list[str]:
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n" % (1_700_000_000 + number)
        for number in range(count)
    )
    repository.git("fast-import", "--quiet", stdin=stream)
    return repository.git("rev-list", "main").split()


def _writer(repository: Repository, commits: list[str], program: str = WRITER) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", program, str(repository.path)], stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write("\n".join(commits).encode())
    process.stdin.close()
    return process


def test_several_processes_writing_notes(repo: Repository) -> None:
    each, count = (300, 2) if repo.oid_length == 40 else (20, 4)  # git itself takes some processes for each
    commits = _many_commits(repo, each * count)
    writers = [_writer(repo, commits[number::count]) for number in range(count)]
    assert [writer.wait(100) for writer in writers] == [0] * count
    assert len(repo.git("notes", "--ref=maw/review", "list").splitlines()) == each * count


SWEEPER = """
import contextlib, os, sys
os.chdir(sys.argv[1])
print(flush=True)
while os.path.isdir("../refs"):
    for name in os.listdir():
        with contextlib.suppress(OSError):
            os.rmdir(name)
"""


def test_a_gc_that_tidies_up_meanwhile(repo: Repository) -> None:
    """It removes folders of objects that are empty: also one that somebody has just made to put an object into."""
    commits = _many_commits(repo, 150 if repo.oid_length == 40 else 10)
    objects = repo.path / ".git/objects"
    with subprocess.Popen([sys.executable, "-c", SWEEPER, str(objects)], stdout=subprocess.PIPE) as sweeper:
        try:
            assert sweeper.stdout and sweeper.stdout.readline()
            assert _writer(repo, commits).wait(100) == 0
        finally:
            sweeper.kill()
    assert len(repo.git("notes", "--ref=maw/review", "list").splitlines()) == len(commits)


def test_two_processes_on_the_same_notes_without_the_lock(repo: Repository) -> None:
    """The ref's compare-and-swap alone has to do, since other programs know nothing of our lock."""
    count = 60 if repo.oid_length == 40 else 20
    commits = _many_commits(repo, count)
    program = WRITER.replace(
        "notes = ", "import contextlib\nNotes._turn = lambda self: contextlib.nullcontext()\nnotes = "
    )
    writers = [_writer(repo, commits, program), _writer(repo, commits, program)]
    assert [writer.wait(100) for writer in writers] == [0, 0]
    notes = Notes(kernel_repo(repo))
    assert [len(notes.read("review", commit)) for commit in commits] == [2] * count


def test_a_first_note_that_somebody_else_writes_first(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ref appears between our look and our write."""
    ours, theirs = _many_commits(repo, 2)
    notes, other = Notes(kernel_repo(repo)), Notes(kernel_repo(repo))
    look = Notes.tip

    def tip(self: Notes, kind: str) -> str | None:
        found = look(self, kind)
        if self is notes and found is None:
            monkeypatch.setattr(other, "_turn", contextlib.nullcontext)
            other.append("review", theirs, [encode(review_record(repo, theirs))])
        return found

    monkeypatch.setattr(Notes, "tip", tip)
    assert notes.append("review", ours, [encode(review_record(repo, ours))])
    assert [len(notes.read("review", commit)) for commit in (ours, theirs)] == [1, 1]


def test_what_git_notes_add_landed_is_not_lost(repo: Repository) -> None:
    """git's own writer may overwrite ours (it does not compare); what is in the ref when we write has to stay."""
    commits = _many_commits(repo, 90)
    ours, theirs = commits[:60], commits[60:]
    writer = _writer(repo, ours)
    for commit in theirs:
        repo.git("notes", "--ref=maw/review", "add", "-m", "hand", commit, check=False)
    assert writer.wait(100) == 0
    landed = set()
    for oid in repo.git("rev-list", REF).split():
        names = {name.replace("/", "") for name in repo.git("ls-tree", "-r", "--name-only", oid).split()}
        subject = repo.git("log", "-1", "--format=%s", oid)
        if subject.startswith("maw:"):
            parent = repo.git("rev-parse", "--verify", "-q", f"{oid}^", check=False)
            before = repo.git("ls-tree", "-r", "--name-only", parent).split() if parent else []
            assert {name.replace("/", "") for name in before} < names
        landed |= names
    assert set(ours) & landed
