"""Commands started in the wrong place, or whose reader leaves."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.fake_runner import FakeRunner, finding, script
from tests.fixtures.git import Repository


@pytest.mark.parametrize(
    "arguments", [["init", "--yes"], ["history"], ["show"], ["hooks", "status"], ["hooks", "install"], ["review"]]
)
def test_outside_of_a_repository_it_is_said_in_plain_words(maw: Maw, home: Path, arguments: list[str]) -> None:
    done = maw(*arguments, cwd=home)
    assert done.code == 2
    assert done.err.splitlines()[0] == "maw: this is not a git repository"
    assert "project" in done.err.splitlines()[1]


def test_a_revision_that_is_not_there(repo: Repository, maw: Maw) -> None:
    repo.commit("one", a__txt="1\n")
    done = maw("history", "nosuch", cwd=repo.path)
    assert done.code == 2 and "no such commit or range: 'nosuch'" in done.err and "rev-list" not in done.err


def piped(arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `maw ARGUMENTS` into a reader that takes one line and leaves; the code is maw's own."""
    script_ = f'{{ "$0" -m maw {arguments}; echo "code $?" >&2; }} | head -1'
    return subprocess.run(["bash", "-c", script_, sys.executable], cwd=directory, capture_output=True, text=True)


def test_show_may_be_read_in_part(repo: Repository, maw: Maw, fake_runner: FakeRunner) -> None:
    repo.commit("one", a__py="1\n")
    fake_runner.plays(*(finding(line, title="t" * 200, scenario="s " * 2000) for line in range(1, 200)))
    assert maw("review", "HEAD", cwd=repo.path).code == 1
    done = piped("show", repo.path)
    assert done.stderr == "code 0\n" and done.stdout.startswith("commit ")


def test_a_review_whose_reader_leaves_has_no_verdict(repo: Repository, fake_runner: FakeRunner) -> None:
    repo.commit("one", a__py="1\n")
    steps = script(*(finding(line, scenario="s " * 2000) for line in range(1, 200)))
    fake_runner.plays(steps=[*steps[:-1], {"sleep": 0.3}, steps[-1]])
    done = piped("review HEAD --json --stream", repo.path)
    assert done.stderr == "code 3\n"
    fake_runner.wait_for(lambda: fake_runner.cancelled)


def test_init_asks_nothing_where_all_is_set_up_and_says_what_no_means(
    repo: Repository, fake_runner: FakeRunner
) -> None:
    no = _asked(["init", "--node", "local"], "n\n", repo.path)
    assert "Go on?" in no and "nothing was changed" in no
    assert "Go on?" in _asked(["init"], "\ny\n", repo.path)
    assert "Go on?" not in _asked(["init"], "\n", repo.path)


def _asked(arguments: list[str], answers: str, directory: Path) -> str:
    """What a command says to a person at a terminal who types these answers."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "maw", *arguments], cwd=directory, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the last one has closed it
        pass
    os.close(ours)
    process.wait(30)
    return said.decode("utf-8", "replace")
