"""`maw uninstall --state` ends what runs, and says so only once it is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import files, paths
from maw.errors import FatalError
from maw.setup.stop import stop_everything
from tests.fixtures.cli import Maw
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import wait_for

# Holds a lock with its pid in it, and takes a while to end after SIGTERM; "stubborn" never does.
HOLDER = """
import os, signal, sys, time
from maw import files
fd = files.try_lock(sys.argv[1])
os.pwrite(fd, b"%d" % os.getpid(), 0)
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
print("ready", flush=True)
while not told or sys.argv[2] == "stubborn":
    time.sleep(0.01)
time.sleep(0.5)
"""


@pytest.fixture
def holders() -> Iterator[list[subprocess.Popen[str]]]:
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        process.kill()
        process.communicate()


def hold(holders: list[subprocess.Popen[str]], lock: str, how: str = "slow") -> subprocess.Popen[str]:
    paths.make_private_dir(os.path.dirname(lock))
    process = subprocess.Popen([sys.executable, "-c", HOLDER, lock, how], stdout=subprocess.PIPE, text=True)
    holders.append(process)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_it_waits_until_each_has_gone(home: Path, holders: list[subprocess.Popen[str]]) -> None:
    locks = [paths.attendant_lock(), os.path.join(paths.link_dir("pro"), "link.lock"), paths.endpoint_lock()]
    for lock in locks:
        hold(holders, lock)
    assert stop_everything()[:3] == ["attendant stopped", "link to pro stopped", "endpoint stopped"]
    assert [files.lock_holder(lock) for lock in locks] == [None] * 3
    assert stop_everything() == []


def test_what_does_not_end_is_an_error(home: Path, holders: list[subprocess.Popen[str]]) -> None:
    process = hold(holders, os.path.join(paths.link_dir("pro"), "link.lock"), "stubborn")
    with pytest.raises(FatalError, match=rf"link to pro \(pid {process.pid}\) does not end"):
        stop_everything(patience=0.2)


def test_the_attendant_and_the_endpoint_end(home: Path, maw: Maw) -> None:
    attendant = subprocess.Popen([sys.executable, "-m", "maw.attendant"], stderr=subprocess.DEVNULL)
    command = [sys.executable, "-m", "maw_remote", "serve", "--listen", "127.0.0.1:0"]
    endpoint = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        for lock, process in ((paths.attendant_lock(), attendant), (paths.endpoint_lock(), endpoint)):
            wait_for(lambda lock=lock, process=process: files.lock_holder(lock) == process.pid, "its lock")
        wait_for(lambda: os.path.exists(os.path.join(paths.runner_dir(), "endpoint.json")), "the endpoint")
        again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
        assert again.returncode == 2 and f"already (pid {endpoint.pid})" in again.stderr
        ran = maw("uninstall", "--yes", "--state")
        assert ran.code == 0 and "attendant stopped" in ran.out and "endpoint stopped" in ran.out
        assert (attendant.wait(1), endpoint.wait(1)) == (0, 0)
        assert not (home / "state").exists()
    finally:
        for process in (attendant, endpoint):
            process.kill()
            process.wait()
        if endpoint.stdout is not None:
            endpoint.stdout.close()


def test_a_runner_leaves_when_its_state_directory_is_removed(home: Path, runner: RunnerProcess) -> None:
    shutil.rmtree(home / "state")
    assert runner.process is not None and runner.process.wait(20) == 0
    assert not (home / "state").exists()


def test_a_runner_that_leaves_takes_nothing_of_its_successor(home: Path, runner: RunnerProcess) -> None:
    os.rename(home / "state", home / "away")
    successor = RunnerProcess().start()
    try:
        assert runner.process is not None and runner.process.wait(20) == 0
        assert runner.request("GET", "/status")["pid"] == successor.pid
        assert (home / "state" / "runner" / "hello.json").exists()
        successor.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
        assert successor.process.wait(20) == 0  # type: ignore[union-attr]
    finally:
        successor.end()
