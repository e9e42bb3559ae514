"""A node's maw is replaced while several clients work with it, over the real link: no task is lost, none done twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from maw import client
from maw.errors import NodeError
from maw.link import control
from tests.fixtures.ssh import Air, Pro
from tests.fixtures.waiting import wait_for

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 6
TASKS = 8  # of each client, one after the other
# The installation's own program, with jobs that need no model.
PROGRAM = """

def main_program(config):
    from tests.runner.program import Echo, NoEngine

    return Program({"echo": Echo(), "review": Echo(), "generate": Echo("generator")}, NoEngine())
"""


class Installation:
    """maw on the node, as a copy of the sources with another version and another range of protocols."""

    def __init__(self, pro: Pro) -> None:
        self._pro = pro
        self._site = pro.home / "site"
        self._python = f"PYTHONPATH={self._site}:{ROOT} {sys.executable} -m maw_remote"
        pro.write_runner(f'export {self._python.partition(" ")[0]}\nexec {sys.executable} -m maw_remote "$@"')

    def put(self, version: str, protocol: tuple[int, int]) -> None:
        """Replace what is installed, below whatever runs."""
        fresh = self._site.with_name("fresh")
        for package in (ROOT / "maw", ROOT / "remote" / "maw_remote"):
            shutil.copytree(package, fresh / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        (fresh / "maw" / "__init__.py").write_text(f'__version__ = "{version}"\n')
        speaks = fresh / "maw" / "protocol.py"
        speaks.write_text(f"{speaks.read_text()}\n\nPROTOCOL_MIN, PROTOCOL_MAX = {protocol}\n")
        with open(fresh / "maw_remote" / "daemon.py", "a") as file:
            file.write(PROGRAM)
        shutil.rmtree(self._site, ignore_errors=True)
        fresh.rename(self._site)

    def run(self, *arguments: str) -> None:
        """`maw-runner …` on the node."""
        done = subprocess.run(
            [self._pro.runner, *arguments], env=self._pro.env, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr

    def ended(self) -> Counter[str]:
        """How often each task's work came to its end."""
        path = self._pro.state / "runs"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return Counter(echo for what, _, echo in lines if what == "end")


@pytest.fixture
def installation(air: Air, pro: Pro) -> Iterator[Installation]:
    pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
    made = Installation(pro)
    made.put("0.1.0", (1, 1))
    yield made
    control.stop("pro")
    made.put("0.1.0", (1, 1))
    made.run("stop")


def version() -> str:
    return str(client.request("pro", "GET", "/api/v1/status")["hello"]["version"])


def work(name: str, **payload: Any) -> str:
    """Submit a task and follow it to its end, as a hook does; how it ended."""
    task = client.submit("pro", {"kind": "echo", "payload": {"echo": name, **payload}})
    return [event.type for event in client.events("pro", task["id"])][-1]


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_upgrade_under_load_loses_nothing(installation: Installation, pro: Pro) -> None:
    """The new version speaks the old protocol as well: clients of before go on, and notice nothing but a pause."""
    assert version() == "0.1.0"
    begun = threading.Barrier(CLIENTS + 1)

    def one(number: int) -> list[str]:
        begun.wait(30)
        return [work(f"{number}-{task}", sleep=0.02) for task in range(TASKS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(one, number) for number in range(CLIENTS)]
        waits = client.submit("pro", {"kind": "echo", "payload": {"echo": "waits", "wait_for": "go"}, "keep": True})
        begun.wait(30)
        # One task is at work and does not end by itself, the others wait behind it.
        wait_for(lambda: client.request("pro", "GET", "/api/v1/status")["tasks"].get("queued", 0) >= CLIENTS, "a queue")
        installation.put("0.2.0", (1, 2))
        installation.run("restart")
        (pro.state / "go").touch()
        endings = [ending for done in clients for ending in done.result(60)]
    assert version() == "0.2.0"
    assert Counter(endings) == {"done": CLIENTS * TASKS}
    wait_for(lambda: client.request("pro", "GET", f"/api/v1/tasks/{waits['id']}")["state"] == "done", "the first task")
    ended = installation.ended()
    assert len(ended) == CLIENTS * TASKS + 1 and set(ended.values()) == {1}


def test_version_too_far_apart_is_told_and_costs_no_task(installation: Installation, pro: Pro) -> None:
    assert version() == "0.1.0"
    task = client.submit("pro", {"kind": "echo", "payload": {"echo": 1, "wait_for": "go"}, "keep": True})
    installation.put("9.0.0", (8, 9))
    installation.run("restart")
    with pytest.raises(NodeError) as caught:
        wait_for(lambda: client.request("pro", "GET", "/api/v1/status") is None, "the refusal")
    assert caught.value.code == "version" and caught.value.hint
    assert "9.0.0" in caught.value.message and "[8, 9]" in caught.value.message and "1 to 1" in caught.value.message
    installation.put("0.3.0", (1, 3))
    installation.run("restart")
    (pro.state / "go").touch()
    control.forget_failure("pro")
    wait_for(lambda: _state(task["id"]) == "done", "the task of before")
    assert version() == "0.3.0" and set(installation.ended().values()) == {1}


def _state(task: str) -> str:
    try:
        return str(client.request("pro", "GET", f"/api/v1/tasks/{task}")["state"])
    except NodeError as exc:
        return exc.code
