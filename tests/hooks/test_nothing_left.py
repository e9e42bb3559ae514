"""Processes that were started for a state directory leave when it is removed, and nothing brings it back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maw import reach
from tests.fixtures.home import processes_of
from tests.fixtures.waiting import wait_for
from tests.hooks.conftest import Hooked


def test_a_delivery_starts_no_runner_where_the_home_is_gone(hooked: Hooked, home: Path) -> None:
    hooked.runner.plays(steps=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 30}])
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a", MAW_REVIEW_MODE="background")
    wait_for(lambda: hooked.runner.submits, "the attendant to submit")
    shutil.rmtree(home / "state")
    hooked.runner.stop()
    wait_for(lambda: not processes_of(home), "the attendant to leave")
    assert not (home / "state").exists()


def test_where_the_home_is_there_it_does(hooked: Hooked) -> None:
    """What is delivered to this machine needs its runner, which may have left after idling."""
    pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
    hooked.runner.plays(steps=[{"event": "started", "data": {"attempt": 1}}, {"sleep": 30}])
    hooked.write("a.py", "four = 4\n")
    hooked.commit("-a", MAW_REVIEW_MODE="background")
    wait_for(lambda: hooked.runner.submits, "the attendant to submit")
    hooked.runner.stop()
    wait_for(lambda: reach.is_up("local"), "a runner")
    subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [[], ["--foreground"]])
def test_a_runner_that_comes_up_too_late(home: Path, arguments: list[str]) -> None:
    """As maw starts it: the directory was there then."""
    if arguments:
        pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
    command = [sys.executable, "-m", "maw_remote", "start", "--existing", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "the state directory was removed" in done.stderr) == (2, True)
    assert not (home / "state").exists()
