"""The runner's settings file changes while the runner runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maw import client, paths, reach
from maw_remote import control
from maw_remote.runner.configuration import Configuration
from tests.fixtures.cli import Maw
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually
from tests.runner.test_runner_process import cleanup, log_lines, maw_runner

__all__ = ["cleanup"]


@pytest.fixture
def runner(runner_process: RunnerProcess) -> RunnerProcess:
    return runner_process.start(tick=0.02)


def write(text: str) -> None:
    """As an editor does that writes a new file and renames it."""
    path = Path(paths.config_file())
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def settings(runner: RunnerProcess) -> dict[str, Any]:
    return dict(runner.request("GET", "/status")["settings"])


def warmed(runner: RunnerProcess) -> str:
    return str(runner.request("POST", "/warm")["model"])


def test_a_changed_role_counts_for_the_next_task_without_a_restart(runner: RunnerProcess) -> None:
    first = runner.submit(echo=1)
    assert runner.wait(first["id"])["result"]["model"] == "m"
    write('roles.manager = "other"\n')
    eventually(lambda: warmed(runner), lambda model: model == "other")
    assert runner.wait(runner.submit(echo=2)["id"])["result"]["model"] == "other"


def test_maw_config_set_reaches_the_runner(runner: RunnerProcess, maw: Maw) -> None:
    assert maw("config", "set", "roles.manager", "chosen").code == 0
    eventually(lambda: warmed(runner), lambda model: model == "chosen")


def test_the_running_task_ends_as_it_began_and_the_next_one_waits_for_the_change(runner: RunnerProcess) -> None:
    running = runner.submit(echo=1, wait_for="go")["id"]
    runner.wait(running, "running")
    queued = runner.submit(echo=2)["id"]
    write('roles.manager = "other"\n')
    eventually(lambda: settings(runner)["waiting"])
    assert "taken over when the running task has ended" in maw_runner("status").stdout
    runner.release("go")
    assert runner.wait(running)["result"]["model"] == "m"
    assert runner.wait(queued)["result"]["model"] == "other"
    assert not settings(runner)["waiting"]


def test_what_nobody_waits_for_gives_way_to_a_change(runner: RunnerProcess) -> None:
    """It may take hours, in which no other task would begin."""
    asked = {"kind": "echo", "payload": {"echo": 1, "wait_for": "go"}, "priority": "background", "keep": True}
    long = client.submit(reach.LOCAL, asked)["id"]
    eventually(runner.runs)
    write('roles.manager = "other"\n')
    eventually(lambda: warmed(runner), lambda model: model == "other")
    assert runner.wait(runner.submit(echo=2)["id"])["result"]["model"] == "other"
    runner.release("go")
    done = runner.wait(long)
    assert (done["attempt"], done["result"]["model"]) == (1, "other")


def test_a_new_profile_reaches_the_hello_and_its_file(runner: RunnerProcess) -> None:
    Path(paths.state_dir(), "by-name").touch()  # the engine's identity is the model's name
    runner.request("GET", "/status")
    before = hello_file()["profiles"]["review"]
    write('roles.manager = "other"\n')
    eventually(lambda: hello_file()["profiles"]["review"], lambda profile: profile != before)
    assert runner.request("GET", "/status")["hello"]["profiles"] == hello_file()["profiles"]


def hello_file() -> dict[str, Any]:
    return dict(json.loads(Path(paths.runner_dir(), "hello.json").read_bytes()))


@pytest.mark.parametrize("broken", ["roles.manager = \n", "roles.manager = 3\n", "roles.manger = 'x'\n"])
def test_a_broken_file_leaves_the_settings_of_before_and_is_told(runner: RunnerProcess, maw: Maw, broken: str) -> None:
    write('roles.manager = "good"\n')
    eventually(lambda: warmed(runner), lambda model: model == "good")
    write(broken)
    eventually(lambda: settings(runner)["problems"])
    assert warmed(runner) == "good"
    assert paths.config_file() in maw_runner("status").stdout
    assert any("problem" in line for line in log_lines())
    told = maw("doctor").out
    assert "fail  settings of local" in told and "are in force)" in told
    write('roles.manager = "mended"\n')
    eventually(lambda: warmed(runner), lambda model: model == "mended")
    assert settings(runner)["problems"] == []


def test_what_needs_a_restart_is_said_until_it_is_taken_back(runner: RunnerProcess) -> None:
    write('runner.synchronous = "full"\n')
    eventually(lambda: settings(runner)["restart"], lambda keys: keys == ["runner.synchronous"])
    assert "maw-runner restart" in maw_runner("status").stdout
    assert any(line.get("restart_for") == ["runner.synchronous"] for line in log_lines())
    Path(paths.config_file()).unlink()
    eventually(lambda: settings(runner)["restart"], lambda keys: keys == [])


def test_idle_exit_changes_while_it_runs(runner_process: RunnerProcess) -> None:
    runner_process.leaves = False
    runner = runner_process.start(tick=0.02)
    write('runner.idle_exit = "100ms"\n')
    assert runner.process is not None
    assert runner.process.wait(20) == 0


def test_a_file_that_is_still_being_written_is_not_read(home: Path) -> None:
    found = Configuration()
    path = Path(paths.config_file())
    path.write_text('roles.manager = "half"\n')
    assert not found.look()
    path.write_text('roles.manager = "whole"\nroles.generator = "too"\n')
    assert not found.look()
    assert found.look()
    taken = found.take()
    assert taken is not None
    assert (taken["roles.manager"], taken["roles.generator"]) == ("whole", "too")
    assert not found.look()


def test_a_change_that_is_taken_back_in_time_changes_nothing(home: Path) -> None:
    found = Configuration()
    write('roles.manager = "other"\n')
    assert [found.look(), found.look()] == [False, True]
    Path(paths.config_file()).unlink()
    assert [found.look(), found.look()] == [True, False]


def test_a_variable_that_cannot_be_used_does_not_keep_the_file_from_being_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAW_NO_SUCH_KEY", "1")
    found = Configuration()
    write('roles.manager = "other"\n')
    assert [found.look(), found.look()] == [False, True]


def test_a_start_with_a_broken_file_says_so(cleanup: None) -> None:
    write("roles.manager = \n")
    done = maw_runner("start")
    assert done.returncode == 0
    assert f"{paths.config_file()}: not TOML" in done.stderr
    assert f"{paths.config_file()}: not TOML" in maw_runner("start").stderr  # it runs already, and still has it


def test_a_restart_takes_everything_over(cleanup: None) -> None:
    assert maw_runner("start").returncode == 0
    before = control.holder()
    done = maw_runner("restart")
    assert done.returncode == 0 and "listens" in done.stderr
    assert control.holder() not in (None, before)
    assert client.request(reach.LOCAL, "GET", "/api/v1/status")["pid"] == control.holder()


def test_a_restart_where_none_runs_starts_one(cleanup: None) -> None:
    assert maw_runner("restart").returncode == 0
    assert control.holder() is not None
