"""What `maw config set` says of what follows, and what it refuses because it cannot work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.fixtures.runner import RunnerProcess

PRO = 'node = "pro"\n[nodes.pro]\nhost = "pro.example"\nuser = "ada"\n'


def test_a_node_that_nobody_has_added_is_refused(maw: Maw, home: Path) -> None:
    file = home / "config.toml"
    file.write_text(PRO)
    ran = maw("config", "set", "node", "prro")
    assert (ran.code, file.read_text()) == (2, PRO)
    assert "no node called 'prro' (known: pro)" in ran.err
    assert maw("config", "set", "node", "local").code == 0
    assert maw("config", "set", "node", "pro").code == 0


def test_a_runners_setting_is_the_nodes_own(maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text(PRO)
    ran = maw("config", "set", "roles.manager", "some-model")
    assert ran.code == 0
    assert "but pro does the work, and goes by its own settings: `ssh ada@pro.example`, then" in ran.err
    assert "`maw config set roles.manager …` there" in ran.err
    assert "goes by its own" not in maw("config", "set", "review.deadline", "45s").err
    listed = {line.partition(" ")[0]: line for line in maw("config").out.splitlines()}
    assert listed["roles.manager"].endswith("# user; pro has its own")
    assert listed["review.deadline"].endswith("# user")


def test_a_file_that_is_wrong_elsewhere_is_told(maw: Maw, home: Path) -> None:
    (home / "config.toml").write_text('[review]\ndeadlin = "3s"\n')
    ran = maw("config", "set", "notify", "true")
    assert ran.code == 0
    assert "but there is more that cannot be used: " in ran.err and "unknown key 'review.deadlin'" in ran.err


def test_a_server_that_is_not_there_is_told(maw: Maw) -> None:
    assert "but there is no backend called 'nowhere'" in maw("config", "set", "roles.manager", "nowhere/m").err


def test_the_runner_here_has_read_it_when_the_command_ends(runner: RunnerProcess, maw: Maw) -> None:
    ran = maw("config", "set", "runner.threads", "1")
    assert "the runner on this machine goes by it from now on" in ran.err
    since = runner.request("GET", "/status")["settings"]["since"]
    assert maw("config", "set", "runner.threads", "1").err.count("\n") == 1  # as it was
    assert runner.request("GET", "/status")["settings"]["since"] == since
    assert "`maw-runner restart`" in maw("config", "set", "runner.synchronous", "full").err
    runner.wait(runner.submit(wait_for="go")["id"], "running")
    assert "when its running task has ended" in maw("config", "unset", "runner.threads").err


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("queue",), ("queue", "watch"), ("model", "list"), ("model", "ps"), ("review", "HEAD"),
     ("generate", "code", "x", "a.py"), ("generate", "message"), ("proxy",)],
)  # fmt: skip
def test_an_unknown_node_is_told_in_one_way_and_nothing_is_started(
    maw: Maw, home: Path, repo: Repository, arguments: tuple[str, ...]
) -> None:
    cwd = repo.path
    for ran in (maw(*arguments, cwd=cwd, MAW_NODE="zzz"), maw(*arguments, "--node", "zzz", cwd=cwd)):
        assert ran.code == 2
        assert ran.err.splitlines()[-2:] == [
            "maw: no node called 'zzz' (known: none yet)", "     add it with `maw node add zzz HOST`",
        ]  # fmt: skip
    assert not (home / "state" / "link" / "zzz").exists()


def test_looking_starts_no_runner(maw: Maw, home: Path) -> None:
    ran = maw("status")
    assert ran.code == 0 and "not running; it starts with the first task" in ran.out
    assert maw("status", "--json").json["running"] is False
    assert "not running" in maw("queue").err
    assert maw("queue", "list", "--all", "--json").json == {"v": 1, "node": "local", "running": False, "tasks": []}
    assert (ran := maw("queue", "watch", "3f9c")).code == 2 and "so no task is" in ran.err
    assert "no model is loaded: the runner on this machine is not running" in maw("model", "ps").err
    assert maw("model", "ps", "--json").json == {"v": 1, "node": "local", "running": False, "models": []}
    assert not (home / "state" / "runner" / "queue.db").exists()


def test_models_are_listed_without_a_runner(maw: Maw, home: Path) -> None:
    pytest.importorskip("psutil", reason="the runner extra")
    assert re.search(r"^phi-4-mini-instruct +available .* generator ", maw("model", "list").out, re.MULTILINE)
    assert maw("model", "recommend", "--memory", "16", "--json").json["memory"]["how"] == "as asked for"
    assert not (home / "state" / "runner" / "queue.db").exists()
