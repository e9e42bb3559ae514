"""Where nothing can be written, what is recorded can be read all the same."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maw.attendant import spool
from maw.git.repo import Repo
from maw.memory.index import SCHEMA_VERSION, Index
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.memory.noted import note

ReadOnly = Callable[[Path], None]


@pytest.fixture
def read_only(home: Path) -> Iterator[ReadOnly]:
    """Make what is below a path read-only, for root too: by a bind mount."""
    mounted: list[str] = []

    def make(path: Path) -> None:
        for command in (["mount", "--bind", str(path), str(path)], ["mount", "-o", "remount,bind,ro", str(path)]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
            mounted.append(str(path))

    yield make
    for path in dict.fromkeys(mounted):
        subprocess.run(["umount", "-l", path], check=True)


def ids(maw: Maw, repository: Repository, *arguments: str) -> list[str]:
    ran = maw("history", "--json", *arguments, cwd=repository.path)
    assert (ran.code, ran.err) == (0, ""), ran.err
    return [json.loads(line)["id"] for line in ran.out.splitlines()]


def test_without_an_index(either: Repository, maw: Maw, read_only: ReadOnly) -> None:
    commit = either.commit("one", a__txt="1\n")
    made = note(either, commit)
    (either.path / ".git/maw/notes.lock").unlink()
    (either.path / ".git/maw").rmdir()
    read_only(either.path)
    assert ids(maw, either) == ids(maw, either, "--path", "a.txt") == [made]
    shown = maw("show", "--json", cwd=either.path)
    assert (shown.code, shown.json["records"][0]["id"]) == (0, made)
    assert made in maw("show", "--raw", cwd=either.path).out


def test_with_an_index_that_is_behind(repo: Repository, maw: Maw, read_only: ReadOnly) -> None:
    old = note(repo, repo.commit("one"))
    assert ids(maw, repo) == [old]
    new = note(repo, repo.commit("two"))
    before = (repo.path / ".git/maw/index.db").read_bytes()
    read_only(repo.path / ".git/maw")
    assert sorted(ids(maw, repo)) == sorted([old, new])
    assert (repo.path / ".git/maw/index.db").read_bytes() == before


def damaged(repo: Repo) -> None:
    path = Path(repo.maw_dir, "index.db")
    path.write_bytes(path.read_bytes()[:4096] + b"x" * 20_000)


def no_database(repo: Repo) -> None:
    Path(repo.maw_dir, "index.db").write_text("words")


def of_another_version(repo: Repo) -> None:
    with Index(repo) as index:
        index._connection().execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def left_in_the_middle(repo: Repo) -> None:
    Path(repo.maw_dir, "index.db-journal").write_bytes(b"x" * 1000)


@pytest.mark.parametrize("spoil", [damaged, no_database, of_another_version, left_in_the_middle])
def test_with_an_index_that_cannot_be_used(
    repo: Repository, maw: Maw, read_only: ReadOnly, spoil: Callable[[Repo], None]
) -> None:
    made = note(repo, repo.commit("one"))
    assert ids(maw, repo) == [made]
    spoil(kernel_repo(repo))
    read_only(repo.path / ".git/maw")
    assert ids(maw, repo) == [made]


def test_what_waits_is_told_and_stays(repo: Repository, maw: Maw, read_only: ReadOnly) -> None:
    commit = repo.commit("one")
    made = note(repo, commit)
    spool.put(kernel_repo(repo), commit, review_record(repo, commit))
    read_only(repo.path)
    ran = maw("history", "--json", cwd=repo.path)
    assert ran.code == 0 and json.loads(ran.out)["id"] == made
    assert ran.err.startswith("maw: records wait in ") and len(ran.err.splitlines()) == 1, ran.err
    assert len(spool.waiting(kernel_repo(repo))) == 1


def test_a_folder_of_somebody_else(repo: Repository, maw: Maw) -> None:
    """Permissions, as any user but root meets them."""
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    made = note(repo, repo.commit("one"))
    assert ids(maw, repo) == [made]
    (repo.path / ".git/maw").chmod(0o500)
    newer = note(repo, repo.commit("two"))
    try:
        assert sorted(ids(maw, repo)) == sorted([made, newer])
    finally:
        (repo.path / ".git/maw").chmod(0o700)
