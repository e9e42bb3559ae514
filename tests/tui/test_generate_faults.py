"""The Generate screen where something is stopped, missing or in the way."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.fixtures.git import Repository
from tests.fixtures.home import processes_of
from tests.fixtures.scripted import HELD, Says
from tests.generate.conftest import GOOD
from tests.tui.conftest import NARROW, Run, Ui
from tests.tui.generating import project, say, write
from tests.tui.test_generate_screen import FIXED, TWO

__all__ = ["project"]


def test_it_streams_and_is_stopped(tui: Run, project: Repository, generator: Says) -> None:
    generator(HELD + "FILE src/app.py\nsome and no more\n")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("some and no more", "round 1:")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")
        await ui.until(lambda: all(worker.is_finished for worker in ui.app.workers), "the worker's end")
        assert project.git("status", "--porcelain") == ""

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_escape_leaves_the_instruction_before_it_stops_anything(tui: Run, project: Repository, generator: Says) -> None:
    generator(HELD + "FILE src/app.py\nsome and no more\n")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("some and no more")
        await ui.press("i", "escape")
        await ui.until(lambda: ui.app.focused is None, "the focus to leave")
        assert ui.has("round 1:") and not ui.has("stopp")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
@pytest.mark.parametrize("leave", ["escape", "q"])
def test_a_command_that_runs_is_stopped(
    tui: Run, project: Repository, generator: Says, home: Path, monkeypatch: pytest.MonkeyPatch, leave: str
) -> None:
    generator(GOOD)
    monkeypatch.setenv("MAW_GENERATE_VERIFY", f"touch {home}/begun; sleep 300")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until((home / "begun").exists, "the command")
        await ui.press(leave)
        if leave == "escape":
            await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")  # it would wait for its thread
    assert not [command for command in processes_of(home).values() if "sleep" in command]
    assert os.listdir(project.path / ".git/maw/scratch") == []


@pytest.mark.slow
def test_what_was_chosen_is_no_longer_tried_after_escape(
    tui: Run, project: Repository, generator: Says, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator(TWO)
    monkeypatch.setenv("MAW_GENERATE_VERIFY", f"if [ -e {home}/slow ]; then touch {home}/begun; sleep 300; fi")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app", "check")
        await ui.until_has("[x] check.py")
        (home / "slow").touch()
        await ui.press("space", "enter")
        await ui.until((home / "begun").exists, "the command")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")
        assert project.git("status", "--porcelain") == ""
        assert ui.has("[ ] check.py")  # still to be chosen from

    tui(scenario, repo=project, screen="generate")
    assert not [command for command in processes_of(home).values() if "sleep" in command]


@pytest.mark.slow
def test_leaving_the_app_stops_it(tui: Run, project: Repository, generator: Says) -> None:
    generator(HELD + "some and no more\n")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("some and no more")

    tui(scenario, repo=project, screen="generate")  # it would wait for its thread without end


@pytest.mark.slow
def test_without_a_runner_it_says_so_and_can_be_tried_again(tui: Run, project: Repository, home: Path) -> None:
    (home / "config.toml").write_text('node = "away"\n[nodes.away]\nhost = "away.invalid"\n')

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app")
        await ui.until_has("! ")
        await ui.until(lambda: not ui.has("asking the node"))
        await ui.press("escape", "escape")
        assert ui.app.is_running

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_a_repository_that_is_deleted_is_told_and_not_made_again(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        shutil.rmtree(project.path)
        await ui.press("u")
        await ui.until_has("! ", "is not there any more")
        await ui.press("escape")
        await say(ui, "mend src/app.py")
        await ui.press("ctrl+g")
        await ui.until_has("! ", "is not there any more")
        await ui.press("ctrl+o", "escape")
        await ui.until_has("! ", "is not there")

    tui(scenario, repo=project, screen="generate")
    assert not project.path.exists()


@pytest.mark.slow
def test_what_is_missing_is_told(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("ctrl+g")
        await ui.until_has("! say what is to be done first")
        await ui.press("i")
        await ui.type("something about nothing")
        await ui.press("ctrl+g")
        await ui.until_has("! no file to work on")
        await ui.press("escape", "escape", "u")
        await ui.until_has("! there is no application to take back")
        await ui.resize(20, 5)
        await ui.resize(*NARROW)
        await ui.until_has("Generate: code")

    async def outside(ui: Ui) -> None:
        await ui.until_has("code is written in the working tree of a repository")
        for key in ("ctrl+o", "ctrl+g", "u"):
            await ui.press("escape", key)
            await ui.until_has("! code is written in the working tree of a repository")

    tui(scenario, repo=project, screen="generate")
    tui(outside, screen="generate")


@pytest.mark.slow
def test_a_file_that_changed_meanwhile_stays_and_the_rest_can_be_taken(
    tui: Run, project: Repository, generator: Says
) -> None:
    generator(TWO)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app", "check")
        await ui.until_has("[x] check.py")
        project.write("check.py", "mine\n")
        await ui.press("enter")
        await ui.until_has("! check.py changed meanwhile: nothing was applied")
        assert project.git("status", "--porcelain") == " M check.py"
        await ui.press("space", "enter")
        await ui.until_has("applied to 1 file")

    tui(scenario, repo=project, screen="generate")
    assert ((project.path / "check.py").read_text(), (project.path / "src/app.py").read_text()) == ("mine\n", FIXED)


@pytest.mark.slow
def test_what_a_runner_that_was_killed_had_written_does_not_count(
    tui: Run, project: Repository, generator: Says, home: Path
) -> None:
    generator(HELD + "some and no more\n", HELD + "other words\n")

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("some and no more")
        (runner,) = (pid for pid, command in processes_of(home).items() if "maw_remote start" in command)
        os.kill(runner, signal.SIGKILL)
        await ui.until_has("other words")
        assert not ui.has("some and no more")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")
