"""Memory that runs out, and processes that stand still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from maw import client, files, paths
from tests.faults.conftest import Project, project
from tests.faults.workload import Task, kept_task, tasks
from tests.fixtures.fake_runner import FakeRunner, script
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.runner import ROOT, RunnerProcess
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.slow

DEADLINE = 1.5
OVER, FAR_OVER = 0.2, 1.0  # as in test_network.py


# The worker, with the real model


@pytest.fixture
def real_runner(embedded_model: EmbeddedModel) -> Iterator[Path]:
    """The state directory of a real runner."""
    subprocess.run([sys.executable, "-m", "maw_remote", "start"], check=True, capture_output=True)
    yield Path(paths.state_dir())
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=False, capture_output=True)


def _runner_pid(state: Path) -> int:
    pid = files.lock_holder(str(state / "runner" / "lock"))
    assert pid is not None
    return pid


def _workers(state: Path) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(_runner_pid(state)).children()
        if "maw_remote.engine.worker" in " ".join(child.cmdline())
    ]


def _submitted(text: str) -> str:
    return str(client.submit("local", kept_task(text))["id"])


def _ended(state: Path, task: str, timeout: float = 90.0) -> Task:
    ended: Task = eventually(lambda: tasks(state)[task], lambda found: found.finished is not None, timeout)
    return ended


def _answering(state: Path) -> psutil.Process:
    """The worker, once it has a model and computes."""
    worker = eventually(lambda: _workers(state))[0]
    eventually(lambda: worker.memory_info().rss, lambda rss: rss > 100 << 20)
    return worker


@pytest.mark.model
def test_worker_that_the_system_kills_for_its_memory(real_runner: Path) -> None:
    """SIGKILL is what Linux's OOM killer sends: the runner lives on, the task is worked on again."""
    runner = _runner_pid(real_runner)
    task = _submitted("killed for its memory")
    _answering(real_runner).kill()
    ended = _ended(real_runner, task)
    assert (ended.state, ended.token, ended.ends) == ("done", 2, 1)
    assert _runner_pid(real_runner) == runner


@pytest.mark.timeout(300)
@pytest.mark.model
def test_worker_that_dies_in_mid_batch_costs_each_of_its_tasks_one_more_attempt(real_runner: Path) -> None:
    submitted = [_submitted(f"in one batch, {number}") for number in range(2)]
    worker = _answering(real_runner)
    eventually(
        lambda: [tasks(real_runner)[task].state for task in submitted], lambda states: set(states) == {"running"}
    )
    worker.kill()
    for task in submitted:
        ended = _ended(real_runner, task, 240.0)
        assert (ended.state, ended.token, ended.ends) == ("done", 2, 1)


@pytest.mark.model
def test_stopped_worker_is_ended_and_its_task_moves_on(real_runner: Path) -> None:
    """A worker that gives no sign of life for 15 s is killed (HANG_AFTER)."""
    task = _submitted("stopped")
    worker = _answering(real_runner)
    worker.suspend()
    ended = _ended(real_runner, task)
    assert (ended.state, ended.token, ended.ends) == ("done", 2, 1)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


@pytest.mark.model
def test_model_that_does_not_fit_into_memory(embedded_model: EmbeddedModel) -> None:
    """RLIMIT_AS of a worker below what its model needs: one line, no worker left, and others go on."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.no_room"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


# The runner


def test_a_stopped_runner_keeps_no_commit_waiting(
    home: Path, fake_runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP in the middle of a review: the deadline holds, and the record says that it was not reviewed."""
    (home / "config.toml").write_text('node = "local"\n')
    monkeypatch.setenv("MAW_REVIEW_DEADLINE", f"{DEADLINE}s")
    work = project(home / "project", fake_runner)
    fake_runner.plays(steps=[*script()[:2], {"sleep": 60}, *script()[2:]])
    over = [_stopped_commit(work, fake_runner) - DEADLINE for _ in range(3)]
    print(f"beyond the deadline: {[round(one, 3) for one in over]} s")
    assert min(over) <= OVER and max(over) <= FAR_OVER, over


def _stopped_commit(work: Project, runner: FakeRunner) -> float:
    process = runner._process
    assert process is not None
    before = _asked_by_hooks(runner)
    helper = subprocess.Popen([sys.executable, "-c", _STOP_AFTER.format(pid=process.pid, seconds=0.8)])
    try:
        commit = work.change()
    finally:
        helper.wait()
        process.send_signal(signal.SIGCONT)
    assert _asked_by_hooks(runner) == before + 1
    assert commit.code == 0 and commit.record is not None
    assert commit.record["status"] == "unreviewed" and "deadline" in commit.record["reason"]
    return commit.hook


def _asked_by_hooks(runner: FakeRunner) -> int:
    """Submits, but for those of the attendant, which asks again for what was not reviewed."""
    return sum(submit["priority"] == "interactive" for submit in runner.submits)


_STOP_AFTER = "import os, signal, time; time.sleep({seconds}); os.kill({pid}, signal.SIGSTOP)"


def test_a_runner_that_was_stopped_from_the_start(
    home: Path, fake_runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts connections (its kernel does) and answers nothing."""
    (home / "config.toml").write_text('node = "local"\n')
    monkeypatch.setenv("MAW_REVIEW_DEADLINE", f"{DEADLINE}s")
    work = project(home / "project", fake_runner)
    assert fake_runner._process is not None
    fake_runner._process.send_signal(signal.SIGSTOP)
    commits = [work.change() for _ in range(3)]
    fake_runner._process.send_signal(signal.SIGCONT)
    for commit in commits:
        assert commit.code == 0 and commit.record is not None
        assert commit.record["status"] == "unreviewed"
    over = [commit.hook - DEADLINE for commit in commits]
    print(f"beyond the deadline: {[round(one, 3) for one in over]} s")
    assert min(over) <= OVER and max(over) <= FAR_OVER, over


def test_tasks_of_a_stopped_runner_go_on_after_it(runner_process: RunnerProcess) -> None:
    """Stopped for longer than a lease and continued: it was the only one, so its work still counts, once."""
    runner_process.start(heartbeat=0.2)
    task = runner_process.submit(wait_for="go", echo="x")["id"]
    runner_process.wait(task, "running")
    os.kill(runner_process.pid, signal.SIGSTOP)
    time.sleep(1)
    runner_process.release("go")
    os.kill(runner_process.pid, signal.SIGCONT)
    assert runner_process.wait(task)["result"]["echo"] == "x"
    assert [run[0] for run in runner_process.runs()] == ["start", "end"]
