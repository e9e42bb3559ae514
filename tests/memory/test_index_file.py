"""The index's file: damaged, of another version, busy, shared by nobody; and how large it may become."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.many_notes import build
from maw.errors import FatalError
from maw.git.repo import discover
from maw.memory.index import SCHEMA_VERSION, Index
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository, make_repository
from tests.memory.noted import ids, note, rows


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 300, None])
def test_a_damaged_index_is_made_anew(repo: Repository, damage: bytes | None) -> None:
    made = note(repo, repo.commit())
    assert ids(repo) == [made]
    path = Path(Index(kernel_repo(repo)).path)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 40000 if damage is None else damage)
    assert ids(repo) == [made]


def test_damage_found_while_asking_is_healed_by_the_next_refresh(repo: Repository) -> None:
    made = note(repo, repo.commit())
    with Index(kernel_repo(repo)) as index:
        index.refresh()
        Path(index.path).write_bytes(b"x" * 10000)
        index.close()
        index.history()
        index.refresh()
        assert [row.id for row in index.history().rows] == [made]


def test_an_index_of_another_version_is_made_anew(repo: Repository) -> None:
    made = note(repo, repo.commit())
    with contextlib.closing(sqlite3.connect(Index(kernel_repo(repo)).path)) as db:
        db.execute("CREATE TABLE records (what TEXT)")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        db.commit()
    assert ids(repo) == [made]


def test_a_busy_index_is_told(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maw.memory.index.BUSY_TIMEOUT", 0.1)
    assert ids(repo) == []
    note(repo, repo.commit())
    with contextlib.closing(sqlite3.connect(Index(kernel_repo(repo)).path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FatalError, match="in use by another process"):
            ids(repo)
    assert len(ids(repo)) == 1


def test_an_index_that_cannot_be_opened_is_told(repo: Repository) -> None:
    Path(Index(kernel_repo(repo)).path).mkdir(parents=True)
    with pytest.raises(FatalError, match="cannot be used"):
        ids(repo)


def test_no_pygit2_while_nothing_changed(repo: Repository) -> None:
    note(repo, repo.commit())
    assert len(ids(repo)) == 1
    program = """
import sys
from maw.git.repo import discover
from maw.memory.index import Index
with Index(discover(sys.argv[1])) as index:
    assert not index.refresh()
    assert len(index.history().rows) == 1
assert "pygit2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(repo.path)], check=True)


def test_refs_packed_by_gc_are_seen(repo: Repository) -> None:
    made = note(repo, repo.commit())
    repo.git("pack-refs", "--all")
    assert ids(repo) == [made]


@pytest.mark.slow
def test_fifty_thousand_notes(home: Path) -> None:
    build(home / "large", 50_000)
    repository = Repository(home / "large")
    assert len(rows(repository, limit=100_000)) == 50_000
    head = repository.git("rev-parse", "HEAD")
    made = note(repository, head)
    assert [row.id for row in rows(repository, limit=1)] == [made]
    assert repository.git("ls-tree", "refs/notes/maw/review").count("\n") == 255
    assert len(repository.git("notes", "--ref=maw/review", "list").splitlines()) == 50_000
    assert discover(str(repository.path)) == kernel_repo(repository)


def test_two_repositories_do_not_share(home: Path) -> None:
    one, two = make_repository(home / "one"), make_repository(home / "two")
    made = note(one, one.commit())
    assert ids(one) == [made] and ids(two) == []
