"""A network that swallows, refuses, resets, crawls and stutters, between the link and sshd.

Here the time is the point: git's own clock tells how long it waited for pre-commit. A machine that others use can
delay any process, so the best of a few commits has to keep the deadline; none may be far beyond it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from maw import client
from maw.link import control
from tests.faults.conftest import Commit, Network, Project
from tests.fixtures.fake_runner import script
from tests.fixtures.ssh import Air

pytestmark = pytest.mark.slow

DEADLINE = 1.5
OVER = 0.2  # seconds that a commit may take beyond the deadline
FAR_OVER = 1.0  # … on a machine that does something else at that moment
TRIES = 4
SLOW_REVIEW = [*script()[:2], {"sleep": 30}, *script()[2:]]


@pytest.fixture(autouse=True)
def deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAW_REVIEW_DEADLINE", f"{DEADLINE}s")


def warm() -> None:
    """The link is up and has reached the node."""
    client.submit("pro", {"v": 1, "kind": "warm", "payload": {"diff": ""}}, timeout=20)


@contextmanager
def soon(seconds: float, network: Network, mode: str) -> Iterator[None]:
    """Set a mode in the middle of what the block does."""
    timer = threading.Timer(seconds, network.set, [mode])
    timer.start()
    try:
        yield
    finally:
        timer.join()


def keeps_deadline(commits: list[Commit]) -> None:
    over = [round(commit.hook - DEADLINE, 3) for commit in commits]
    print(f"beyond the deadline: {over} s")
    assert min(over) <= OVER, f"seconds beyond the deadline: {over}"
    assert max(over) <= FAR_OVER, f"seconds beyond the deadline: {over}"


def unreviewed(commit: Commit, *words: str) -> None:
    """It passed, and both the user and the record are told why it is not reviewed."""
    assert commit.code == 0, commit.said
    assert "unreviewed" in commit.said or "reviewed in part" in commit.said, commit.said
    assert commit.record is not None
    assert commit.record["status"] in ("unreviewed", "incomplete")
    assert commit.record["verdict"] == "incomplete"
    assert any(word in commit.record["reason"] for word in words), commit.record["reason"]


def reviewed(commit: Commit) -> None:
    assert commit.code == 0, commit.said
    assert commit.record is not None
    assert (commit.record["status"], commit.record["verdict"]) == ("reviewed", "pass"), commit.record


def test_network_without_a_fault(far: Project) -> None:
    """What the others differ from."""
    warm()
    reviewed(far.change())


def test_silence_in_the_middle_of_a_review(far: Project, network: Network) -> None:
    far.runner.plays(steps=SLOW_REVIEW)
    commits = []
    for _ in range(TRIES):
        network.set("pass")
        control.stop("pro")
        warm()
        with soon(0.7, network, "hole"):
            commits.append(far.change())
    for commit in commits:
        unreviewed(commit, "deadline")
    keeps_deadline(commits)


def test_silence_before_anything_is_said(far: Project, network: Network) -> None:
    network.set("hole")
    commits = []
    for _ in range(TRIES):
        control.stop("pro")
        commits.append(far.change())
    for commit in commits:
        unreviewed(commit, "deadline", "timed out", "did not")
    keeps_deadline(commits)


def test_host_that_answers_no_connection(far: Project, air: Air) -> None:
    """A full backlog drops what asks for a connection, as a firewall does. It costs connect_timeout once, and the
    next commits nothing, since the link remembers."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        filled = [socket.socket() for _ in range(4)]
        for sock in filled:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        air.write_config(port=port, top='node = "pro"\nconnect_timeout = "0.5s"\n')
        first, *later = [far.change() for _ in range(4)]
        for commit in (first, *later):
            unreviewed(commit, "does not answer")
        assert first.hook <= DEADLINE + OVER
        assert min(commit.hook for commit in later) <= 0.5, [commit.hook for commit in later]
        for sock in filled:
            sock.close()


def test_refused(far: Project, network: Network) -> None:
    """Known at once: the deadline is not waited for."""
    network.set("refuse")
    commits = [far.change() for _ in range(TRIES)]
    for commit in commits:
        unreviewed(commit, "refused")
    assert min(commit.hook for commit in commits) < DEADLINE
    keeps_deadline(commits)
    network.set("pass")
    time.sleep(4)  # a refusal is remembered for 3 s at most
    reviewed(far.change(MAW_REVIEW_DEADLINE="20s"))


def test_reset_in_the_middle_of_a_review_is_mended(far: Project, network: Network) -> None:
    """The runner goes on meanwhile; the hook asks for the events that it missed."""
    warm()
    far.runner.plays(steps=[*script()[:2], {"sleep": 5}, *script()[2:]])
    with soon(2.5, network, "reset"), soon(2.7, network, "pass"):
        commit = far.change(MAW_REVIEW_DEADLINE="30s")
    reviewed(commit)


def test_reset_for_good(far: Project, network: Network) -> None:
    far.runner.plays(steps=SLOW_REVIEW)
    commits = []
    for _ in range(TRIES):
        network.set("pass")
        control.stop("pro")
        warm()
        with soon(0.7, network, "reset"):
            commits.append(far.change())
    for commit in commits:
        unreviewed(commit, "deadline", "reset", "lost", "broke", "ended", "did not begin")
    keeps_deadline(commits)


def test_one_kilobyte_a_second(far: Project, network: Network) -> None:
    """The login alone takes longer than the deadline."""
    network.set("slow 1024")
    commits = []
    for _ in range(TRIES):
        control.stop("pro")
        commits.append(far.change())
    for commit in commits:
        unreviewed(commit, "deadline", "did not", "timed out")
    keeps_deadline(commits)


def test_one_kilobyte_a_second_and_time_enough(far: Project, network: Network) -> None:
    warm()
    network.set("slow 1024")
    reviewed(far.change(MAW_REVIEW_DEADLINE="60s"))


def test_jitter(far: Project, network: Network) -> None:
    warm()
    network.set("jitter 100")
    reviewed(far.change(MAW_REVIEW_DEADLINE="60s"))
    network.set("pass")
    control.stop("pro")  # its spare channels have begun to play the script before
    far.runner.plays(steps=SLOW_REVIEW)
    warm()
    network.set("jitter 100")
    commits = [far.change() for _ in range(TRIES)]
    for commit in commits:
        unreviewed(commit, "deadline")
    keeps_deadline(commits)
