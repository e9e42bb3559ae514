"""Before the next commit: the attendant tells the node what a project's reviews begin with."""

from __future__ import annotations

import json
import os
from pathlib import Path

from maw import paths
from maw.attendant.warming import EVERY, Warming, warm
from maw.git.repo import Repo
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually

RULES = '[[review.rules]]\ntext = "Money is Decimal."\n'


def project(home: Path) -> Repo:
    worktree = home / "project"
    (worktree / ".git").mkdir(parents=True)
    (worktree / ".maw.toml").write_text(RULES)
    return Repo(None, str(worktree / ".git"), str(worktree / ".git"))


def test_a_projects_rules_are_told_to_a_runner_that_is_up(runner: RunnerProcess, home: Path) -> None:
    assert warm(project(home))
    told = eventually(lambda: [what for verb, _, what in runner.runs() if verb == "warm"])
    assert "Money is Decimal." in json.dumps(told)


def test_rules_are_redacted(runner: RunnerProcess, home: Path) -> None:
    """As they are in the review that follows: it could not begin with what was evaluated otherwise."""
    repo = project(home)
    key = "AKIA" + "QWERTYUIOPASDFGH"
    (home / "project" / ".maw.toml").write_text(f'[[review.rules]]\ntext = "Never print {key}."\n')
    assert warm(repo)
    (told,) = eventually(lambda: [what for verb, _, what in runner.runs() if verb == "warm"])
    assert key not in json.dumps(told) and "Never print [redacted]." in json.dumps(told)


def test_nothing_is_started_for_it(home: Path) -> None:
    assert not warm(project(home))
    assert not os.path.exists(paths.runner_dir())


def test_settings_that_cannot_be_read_and_a_strange_runner_are_no_loss(home: Path, runner: RunnerProcess) -> None:
    repo = project(home)
    (home / "project" / ".maw.toml").write_text("[[review.rules")
    assert warm(repo)  # without rules
    Path(paths.config_file()).write_text('node = "nowhere"\n')
    assert not warm(repo)


def test_a_project_is_warmed_now_and_then() -> None:
    warming = Warming()
    assert warming.due("/a") and warming.due("/b")
    assert not warming.due("/a")
    warming._last["/a"] -= EVERY
    assert warming.due("/a")
