"""The progress line at a terminal: it ticks while nothing happens, and tells how many tasks come first."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw.review.follow import Told
from maw.review.progress import Progress
from tests.fixtures.runner import RunnerProcess

PATCH = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"


class Terminal:
    """`maw review -` with standard error on a terminal."""

    def __init__(self, home: Path) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "maw", "review", "-"]
        env = os.environ | {"TERM": "xterm"}
        self.process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs, env=env
        )
        os.close(theirs)
        assert self.process.stdin is not None
        self.process.stdin.write(PATCH)
        self.process.stdin.close()
        self.said = b""

    def read_until(self, pattern: bytes) -> None:
        """Read on until this has been shown; the test's own timeout bounds it."""
        while not re.search(pattern, self.said):
            self.said += os.read(self._ours, 65536)

    def rest(self) -> bytes:
        """All that is said until it ends."""
        try:
            while part := os.read(self._ours, 65536):
                self.said += part
        except OSError:
            pass  # how Linux tells the end of a terminal
        return self.said

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(home: Path, runner: RunnerProcess) -> Iterator[Terminal]:
    """A review that waits behind a task that is at work."""
    first = runner.submit(wait_for="go")["id"]
    runner.wait(first, "running")
    waiting = Terminal(home)
    yield waiting
    waiting.close()


def test_seconds_tick_and_the_tasks_ahead_are_told(terminal: Terminal, runner: RunnerProcess) -> None:
    terminal.read_until(rb"waiting on local, 1 task ahead, 1 s")
    terminal.read_until(rb"waiting on local, 1 task ahead, 2 s")
    runner.submit("echo", wait_for="go", number=2)  # behind us: no matter
    urgent = runner.submit("echo", wait_for="go", number=3)["id"]
    runner.request("PATCH", f"/tasks/{urgent}", {"priority": 900})
    terminal.read_until(rb"2 tasks ahead")
    runner.release("go")
    said = terminal.rest()
    assert said.rstrip().split(b"\r")[-1].startswith(b"\x1b[Kmaw: ")  # the line is gone, and the answer in its place


def test_nothing_ticks_without_a_terminal(home: Path, runner: RunnerProcess) -> None:
    command = [sys.executable, "-m", "maw", "review", "-", "--deadline", "1500ms"]
    runner.wait(runner.submit(wait_for="never")["id"], "running")
    done = subprocess.run(command, cwd=home, input=PATCH, capture_output=True, check=False, timeout=30)
    assert b"ahead" not in done.stderr and b"\r" not in done.stderr


def test_place_is_told_until_the_task_starts() -> None:
    progress = Progress("pro")
    progress.take(Told("waiting", {"ahead": 2}))
    assert progress.text == "maw: waiting on pro, 2 tasks ahead"
    progress.take(Told("waiting", {"ahead": "\x1b[2J"}))  # a runner that says nonsense
    assert progress.text == "maw: waiting on pro"
    progress.take(Told("waiting", {"ahead": 1}))
    progress.take(Told("started", {"attempt": 1}))
    assert progress.text == "maw: waiting on pro"
