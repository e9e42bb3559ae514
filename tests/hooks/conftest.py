"""Repositories with maw's real hooks, and a user who has set maw up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.git import Repository
from tests.fixtures.home import processes_of
from tests.fixtures.waiting import wait_for

Json = dict[str, Any]

AWAY = {"v": 1, "error": {"code": "refused", "message": "pro: connection refused", "hint": "is it on?"}}


class Hooked:
    """A repository whose commits go through the installed hooks."""

    def __init__(self, repository: Repository, runner: FakeRunner) -> None:
        self.repository = repository
        self.runner = runner
        self.path = repository.path
        self.write = repository.write

    def git(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run git as a user would, hooks and all; text of stdout and stderr."""
        return subprocess.run(
            ["git", *arguments], cwd=cwd or self.path, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="surrogateescape", timeout=60, check=False,
        )  # fmt: skip

    def ok(self, *arguments: str, cwd: Path | None = None, **environment: str) -> str:
        done = self.git(*arguments, cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def commit(self, *arguments: str, cwd: Path | None = None, **environment: str) -> str:
        """`git commit -m change`, which must succeed; what was said."""
        return self.ok("commit", "-q", "-m", "change", *arguments, cwd=cwd, **environment)

    def blocked(self, **environment: str) -> str:
        """`git commit -m change`, which must be blocked; what was said."""
        before = self.head
        done = self.git("commit", "-q", "-m", "change", **environment)
        assert done.returncode == 1, done.stderr
        assert self.head == before
        return done.stderr

    @property
    def head(self) -> str | None:
        done = self.git("rev-parse", "--verify", "-q", "HEAD")
        return done.stdout.strip() or None

    def out(self, *arguments: str) -> str:
        return self.repository.git(*arguments)

    def record(self, commit: str = "HEAD") -> Json | None:
        """The review record of a commit: in its note, or on its way there. The newest where there are several."""
        found = self.records(commit)
        return found[-1] if found else None

    def records(self, commit: str = "HEAD") -> list[Json]:
        oid = self.out("rev-parse", commit)
        # The spool first: a record is in the note before it leaves the spool.
        by_id = {record["id"]: record for record in self._spooled(oid)}
        note = self.git("notes", "--ref=maw/review", "show", oid)
        if note.returncode == 0:
            by_id |= {line["id"]: line for line in map(json.loads, filter(None, note.stdout.splitlines()))}
        return sorted(by_id.values(), key=lambda line: (line["ts"], line["id"]))

    def _spooled(self, oid: str) -> Iterator[Json]:
        for path in sorted((self.path / ".git" / "maw" / "spool").glob("*.json")):
            try:
                entry = json.loads(path.read_text())
            except FileNotFoundError:
                continue  # delivered meanwhile
            if entry["commit"] == oid:
                yield entry["record"]

    @property
    def pending(self) -> list[Json]:
        return [json.loads(path.read_text()) for path in (self.path / ".git" / "maw" / "pending").glob("*.json")]

    @property
    def sent(self) -> str:
        """The patch of the last review."""
        return self.runner.diffs[-1].decode("utf-8", "surrogateescape")


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture(autouse=True)
def nothing_left(home: Path) -> Iterator[None]:
    """A hook pokes the attendant: stop the one this test started. No other process may be left by then."""
    yield

    def left() -> bool:
        stop_attendant()  # again and again: one may be just starting
        return not processes_of(home)

    wait_for(left, f"{processes_of(home)} to leave")


@pytest.fixture
def user(home: Path) -> Path:
    """The user's file of somebody who has set maw up."""
    path = home / "config.toml"
    path.write_text('node = "local"\n')
    return path


@pytest.fixture
def hooked(repo: Repository, fake_runner: FakeRunner, user: Path) -> Hooked:
    """A repository with one commit, maw's hooks installed, and a runner that plays a script."""
    repo.commit("first", a__py="one = 1\ntwo = 2\nthree = 3\n", b__py="b = 0\n")
    install.install(discover(str(repo.path)))
    return Hooked(repo, fake_runner)


@pytest.fixture
def pro(hooked: Hooked, fake_link: FakeRunner, user: Path) -> FakeRunner:
    """The node is `pro`, and away."""
    user.write_text('node = "pro"\n[nodes.pro]\nhost = "pro"\n')
    fake_link.plays(preface=AWAY)
    return fake_link


@pytest.fixture
def changed(hooked: Hooked) -> Hooked:
    """A change to a.py is staged."""
    hooked.write("a.py", "one = 1\ntwo = 2\nthree = 3\nfour = 4\n")
    hooked.ok("add", "a.py")
    return hooked
