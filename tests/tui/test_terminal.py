"""What only a real terminal shows: how it is left, signals, the shell in between, and what is written at rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="the tui extra")
pytest.importorskip("uvicorn", reason="a runner needs the runner extra")

from tests.fixtures.git import Repository
from tests.fixtures.home import processes_of
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually
from tests.tui.terminal import ENTER, Terminal

Start = Callable[..., Terminal]


@pytest.fixture
def start(repo: Repository) -> Iterator[Start]:
    """Starts it on a screen, and waits for the first picture."""
    started: list[Terminal] = []

    def run(screen: str, wanted: str) -> Terminal:
        started.append(Terminal("--screen", screen, cwd=repo.path))
        started[-1].until(wanted)
        return started[-1]

    yield run
    for terminal in started:
        terminal.close()


@pytest.mark.parametrize(("word", "code"), [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_it_leaves_the_terminal_as_it_was_and_nothing_running(
    start: Start, runner: RunnerProcess, home: Path, word: str | signal.Signals, code: int
) -> None:
    before = set(processes_of(home))
    runner.submit("review", texts=100_000, text_pause=0.01, title="shop abc1234")
    terminal = start("queue", "tok/s")
    if isinstance(word, str):
        terminal.press(word)
    else:
        terminal.process.send_signal(word)
    assert terminal.end() == code
    assert terminal.is_as_before()
    assert set(processes_of(home)) <= before
    assert not (home / "state" / "defect.log").exists()


def test_leaving_waits_for_no_node_that_is_silent(start: Start, runner: RunnerProcess) -> None:
    terminal = start("nodes", "up ")
    terminal.press("a")
    terminal.until("available")
    terminal.press("j")
    try:
        os.kill(runner.pid, signal.SIGSTOP)
        terminal.press("l")  # a load may take ten minutes
        terminal.until("is being loaded")
        terminal.press("q")
        assert terminal.end() == 0
    finally:
        os.kill(runner.pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_terminal_that_goes_without_a_word_is_left(start: Start, runner: RunnerProcess) -> None:
    terminal = start("queue", "on this machine")
    terminal.hang_up()
    assert terminal.process.wait(60) in (129, 120)  # Python's own, where it could not write what was left to write


def test_the_shell_in_between_and_back(start: Start, runner: RunnerProcess) -> None:
    terminal = start("queue", "on this machine")
    terminal.press("\x03")
    terminal.until("q leaves")
    terminal.press("\x1a")
    eventually(lambda: os.waitpid(terminal.process.pid, os.WNOHANG | os.WUNTRACED), lambda found: found[0])
    terminal.read(0.05)
    assert terminal.is_as_before()
    so_far = len(terminal.written)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.until(ENTER.decode(), so_far)
    terminal.until("on this machine", so_far)  # painted anew, though nothing has changed
    terminal.press("q")
    assert terminal.end() == 0


@pytest.mark.slow
def test_at_rest_next_to_nothing_is_written(start: Start, runner: RunnerProcess) -> None:
    for screen, wanted in (("queue", "0 running"), ("nodes", "up "), ("history", "nothing is recorded")):
        terminal = start(screen, wanted)
        terminal.read(1.5)  # what belongs to the beginning
        assert len(terminal.read(2.5)) < 500  # bytes: a line, where a runner holds another memory now
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.slow
def test_a_stream_writes_little_more_than_its_text(start: Start, runner: RunnerProcess) -> None:
    """50 tokens a second, for those who look on over SSH: the whole screen ten times a second would be 70 KB."""
    runner.submit("review", texts=100_000, text_pause=0.02, title="shop abc1234")
    terminal = start("queue", "tok/s")
    terminal.read(2.0)
    assert len(terminal.read(3.0)) < 3 * 10_000
    terminal.press("\r")
    terminal.until("following")
    terminal.read(2.0)
    assert len(terminal.read(3.0)) < 3 * 25_000


@pytest.mark.parametrize(("term", "out"), [("xterm", subprocess.PIPE), ("dumb", None)])
def test_where_nobody_would_see_it_there_is_a_line_instead(repo: Repository, term: str, out: int | None) -> None:
    """`maw tui | cat`; and a terminal without a screen."""
    master, slave = os.openpty()
    ran = subprocess.run(
        [sys.executable, "-m", "maw", "tui"], cwd=repo.path, stdin=slave, stdout=slave if out is None else out,
        stderr=slave, env=os.environ | {"TERM": term}, timeout=60, check=False,
    )  # fmt: skip
    said = os.read(master, 65536).decode()
    os.close(master)
    os.close(slave)
    assert ran.returncode == 2
    assert said.startswith("maw: the terminal UI needs a terminal") and "\x1b" not in said
