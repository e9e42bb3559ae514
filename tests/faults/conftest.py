"""A user whose node is behind sshd and a network that can fail; commits whose hook's time is known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from maw.attendant import client as attendant
from maw.git.repo import discover
from maw.link import control
from maw_hooks import install
from tests.fixtures.fake_runner import FakeRunner
from tests.fixtures.git import Repository, make_repository
from tests.fixtures.ssh import Air, Pro, Sshd
from tests.hooks.conftest import Hooked
from tests.ssh.server import HELLO


class Commit(NamedTuple):
    """`hook` is the time in seconds that git waited for pre-commit, `record` what the commit's record says."""

    code: int
    said: str
    hook: float
    record: dict[str, Any] | None


class Project(Hooked):
    """A repository with the installed hooks, where each commit changes one line."""

    def __init__(self, repository: Repository, runner: FakeRunner) -> None:
        super().__init__(repository, runner)
        self._number = 0

    def change(self, **environment: str) -> Commit:
        """Commit a change of its own."""
        self._number += 1
        self.write("a.py", f"def answer():\n    return {self._number}\n")
        trace = self.path.parent / f"trace{self._number}"
        done = self.git("commit", "-q", "-a", "-m", "change", GIT_TRACE2_EVENT=str(trace), **environment)
        return Commit(done.returncode, done.stderr, _hook_seconds(trace), self.record())


def _hook_seconds(trace: Path) -> float:
    """How long git's child `pre-commit` ran, by git's own clock (api-trace2)."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    number = next(event["child_id"] for event in events if event.get("hook_name") == "pre-commit")
    sid = events[0]["sid"]
    ends = [e for e in events if e["event"] == "child_exit" and e["child_id"] == number and e["sid"] == sid]
    return float(ends[0]["t_rel"])


def project(path: Path, runner: FakeRunner) -> Project:
    repository = make_repository(path)
    repository.commit("first", a__py="def answer():\n    return 0\n")
    install.install(discover(str(path)))
    return Project(repository, runner)


@pytest.fixture(autouse=True)
def no_attendant_left(home: Path) -> Iterator[None]:
    yield
    attendant.ask({"v": 1, "op": "stop"})


class Network:
    """The proxy between the link and sshd (network.py)."""

    def __init__(self, port: int) -> None:
        script = Path(__file__).parent / "network.py"
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def set(self, mode: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(mode + "\n")
        self._process.stdin.flush()
        assert self._line() == "ok"

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def network(air: Air, sshd: Sshd) -> Iterator[Network]:
    """All of the node's traffic goes through it."""
    proxy = Network(sshd.port)
    air.write_config(port=proxy.port, top='node = "pro"\n')
    air.known_hosts.write_text(f"[127.0.0.1]:{proxy.port} {sshd.public_host_key}\n")
    yield proxy
    control.stop("pro")
    proxy.stop()


@pytest.fixture
def far_runner(home: Path, pro: Pro) -> Iterator[FakeRunner]:
    """A runner behind the gate that does as a script says."""
    directory = home / "fake"
    directory.mkdir()
    runner = FakeRunner(directory, pro.state / "runner" / "runner.sock")
    runner.start()
    (pro.state / "runner" / "hello.json").write_text(json.dumps(HELLO))
    yield runner
    runner.stop()


@pytest.fixture
def far(home: Path, far_runner: FakeRunner, network: Network) -> Project:
    return project(home / "project", far_runner)
