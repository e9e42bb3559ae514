"""kill -9 of runner, worker, link and attendant at random moments, while several clients commit and submit.

MAW_TEST_SEED=N repeats the moments of an earlier run, MAW_TEST_KILLS=N changes their number. Both are printed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, paths
from tests.faults.gate import ROOT
from tests.faults.workload import (
    Clients,
    Victims,
    check_records,
    check_runs,
    check_tasks,
    kill_at_random,
    records,
    wait_until_idle,
)
from tests.fixtures.attendant import stop_attendant
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.ssh import Air, Pro

pytestmark = pytest.mark.slow

_SEED = os.environ.get("MAW_TEST_SEED")  # asked before `home` takes it away
_KILLS = int(os.environ.get("MAW_TEST_KILLS", "200"))
SETTINGS = 'review.deadline = "8s"\n'


@pytest.fixture
def seed() -> int:
    return int(_SEED) if _SEED else random.SystemRandom().randrange(10**6)


@pytest.fixture
def distant(air: Air, pro: Pro) -> Iterator[Pro]:
    """A Pro behind sshd whose gate starts the runner of tests/faults/program.py."""
    pytest.importorskip("litestar")
    pro.write_runner(f"cd {ROOT} && exec {sys.executable} -m tests.faults.gate")
    air.write_config(top=f'node = "pro"\n{SETTINGS}')
    yield pro
    stop_attendant()
    _end(Victims("pro", pro.state), "link", "runner")


@pytest.fixture
def local(embedded_model: EmbeddedModel, home: Path) -> Iterator[Path]:
    """This machine's own runner, with the embedded model; its state directory."""
    with open(home / "config.toml", "a", encoding="utf-8") as file:
        file.write('node = "local"\nreview.deadline = "30s"\n')
    yield Path(paths.state_dir())
    stop_attendant()
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True)


def _end(victims: Victims, *kinds: str) -> None:
    for kind in kinds:
        while (pid := victims.find(kind)) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def test_nothing_is_lost_and_nothing_is_done_twice(
    distant: Pro, home: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = Clients(home, "pro", committers=3, submitters=2, pause=0.8)
    client.request("pro", "GET", "/api/v1/status", timeout=30)
    began = time.monotonic()
    clients.start()
    try:
        weights = {"worker": 8, "attendant": 6, "link": 4, "runner": 2}
        killed = kill_at_random(Victims("pro", distant.state), seed, times=_KILLS, pause=0.6, weights=weights)
    finally:
        clients.stop()
    _audit(clients, distant.state, killed, seed, began, capsys)


@pytest.mark.model
def test_the_same_with_a_real_model(local: Path, home: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    clients = Clients(home, "local", committers=2, submitters=1, pause=10)
    client.request("local", "GET", "/api/v1/status", timeout=30)
    began = time.monotonic()
    clients.start()
    try:
        weights = {"worker": 3, "attendant": 1, "runner": 1}
        killed = kill_at_random(Victims("local", local), seed, times=_KILLS // 10, pause=3.5, weights=weights)
    finally:
        clients.stop()
    _audit(clients, local, killed, seed, began, capsys)


def _audit(
    clients: Clients, state: Path, killed: Counter[str], seed: int, began: float, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_until_idle(clients.node, state)
    last = clients.commit_once_more()
    noted = [(records(repository), repository) for repository in clients.repositories]
    found = wait_until_idle(clients.node, state)  # what waited in the outboxes has made tasks, too
    statuses = sum((check_records(lines, repository) for lines, repository in noted), Counter[str]())
    with capsys.disabled():
        print(  # the counts are what docs/reliability.md tells
            f"\nseed {seed}: {killed.total()} kills {dict(killed)} in {time.monotonic() - began:.0f} s; "
            f"{len(found)} tasks {dict(Counter(task.state for task in found.values()))}, "
            f"{sum(task.token for task in found.values())} claims; {len(clients.acknowledged)} kept ones; "
            f"{statuses.total()} commits {dict(statuses)}"
        )
    assert not clients.refused, f"commits that did not pass: {clients.refused}"
    afterwards = [record["status"] for lines, _ in noted for commit in last & lines.keys() for record in lines[commit]]
    assert afterwards == ["reviewed"] * len(last), f"what came after the kills: {afterwards}"
    told = [record["task"] for lines, _ in noted for (record,) in lines.values() if record["task"]]
    check_tasks(found, [*clients.acknowledged, *told])
    if (state / "runs").exists():
        check_runs(found, state)
    assert clients.acknowledged, "nothing was accepted, so nothing was tested"
