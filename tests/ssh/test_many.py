"""Many at once, by real hooks: repositories that commit at the same moment, nodes, and keys for one node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maw import paths
from maw.attendant import client as attendant
from maw.git.repo import discover
from maw.link import control
from maw_hooks import install
from tests.fixtures.fake_runner import FakeRunner, finding
from tests.fixtures.git import make_repository
from tests.fixtures.ssh import USER, Air, Pro, Sshd, make_key
from tests.fixtures.waiting import wait_for
from tests.hooks.conftest import Hooked
from tests.ssh.server import HELLO

REPOSITORIES = 12  # more than the nine channels of one connection
NODES = ("pro", "again", "gpu")  # the same machine by two keys, and another machine


@pytest.fixture
def runners(home: Path, air: Air, sshd: Sshd, pro: Pro) -> Iterator[dict[str, FakeRunner]]:
    """Runners that find something of their own, behind the gates of two machines; three nodes lead there."""
    other = Pro(home / "gpu")
    other.write_runner(f"export MAW_STATE_DIR={other.state}\n{other.gate}")
    command = {"pro": pro.runner, "again": pro.runner, "gpu": other.runner}
    with open(paths.config_file(), "a") as file:
        for name in NODES[1:]:
            key = home / "keys" / name
            sshd.authorize(make_key(key), f"{command[name]} connect")
            file.write(f'[nodes.{name}]\nhost = "127.0.0.1"\nuser = "{USER}"\nport = {sshd.port}\n')
            file.write(f'identity = "{key}"\ncommand = "{command[name]}"\n')
    started = {}
    for name, machine in (("pro", pro), ("gpu", other)):
        directory = home / f"script-{name}"
        directory.mkdir()
        runner = FakeRunner(directory, machine.state / "runner" / "runner.sock")
        runner.plays(finding(title=f"found on {name}", severity="warning"))
        runner.start()
        (machine.state / "runner" / "hello.json").write_text(json.dumps({**HELLO, "node_id": name}))
        started[name] = runner
    yield started
    attendant.ask({"v": 1, "op": "stop"})
    for name in NODES:
        control.stop(name)
    for runner in started.values():
        runner.stop()


@pytest.fixture
def projects(home: Path, runners: dict[str, FakeRunner]) -> list[Hooked]:
    """Repositories with our hooks and a change of their own, each by one of the nodes."""
    made = []
    for number in range(REPOSITORIES):
        repository = make_repository(home / f"repo{number}")
        repository.commit("first", a__py="answer = 0\n")
        install.install(discover(str(repository.path)))
        repository.write("a.py", f"answer = {number} + 1000\n")
        made.append(Hooked(repository, runners["gpu" if number % 3 == 2 else "pro"]))
    return made


@pytest.mark.slow
def test_repositories_nodes_and_keys_at_once(projects: list[Hooked], runners: dict[str, FakeRunner]) -> None:
    def commit(number: int) -> str:
        return projects[number].commit("-a", MAW_NODE=NODES[number % 3], MAW_REVIEW_DEADLINE="60s")

    with ThreadPoolExecutor(REPOSITORIES) as pool:
        said = list(pool.map(commit, range(REPOSITORIES)))

    for number, project in enumerate(projects):
        node = NODES[number % 3]
        title = "found on gpu" if node == "gpu" else "found on pro"
        assert title in said[number]
        wait_for(lambda project=project: project.records(), "the record")
        records = project.records()
        assert len(records) == 1 and records[0]["status"] == "reviewed" and records[0]["node"] == node
        assert records[0]["tree"] == project.out("rev-parse", "HEAD^{tree}")
        assert [item["title"] for item in records[0]["findings"]] == [title]
    for name, runner in runners.items():
        mine = {number for number in range(REPOSITORIES) if (name == "gpu") == (NODES[number % 3] == "gpu")}
        sent = sorted(int(diff.split(b"+answer = ")[1].split(b" ")[0]) for diff in runner.diffs)
        assert sent == sorted(mine)  # each change went to its own node, once
    links = {control.running(node) for node in NODES}
    assert len(links) == 3 and None not in links  # a link for each node, though two lead to one machine


@pytest.mark.slow
def test_key_that_is_taken_away_leaves_the_others(
    projects: list[Hooked], runners: dict[str, FakeRunner], sshd: Sshd, home: Path
) -> None:
    """`again` and `pro` are two keys for one runner; sshd asks its list anew at each login."""
    gone = " ".join((home / "keys" / "again.pub").read_text().split()[:2])
    lines = sshd.authorized_keys.read_text().splitlines(keepends=True)
    sshd.authorized_keys.write_text("".join(line for line in lines if gone not in line))
    done = subprocess.run(
        [sys.executable, "-m", "maw", "node", "test", "again"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 4 and "let none of our keys in" in done.stderr
    assert "found on pro" in projects[0].commit("-a", MAW_NODE="pro", MAW_REVIEW_DEADLINE="60s")
