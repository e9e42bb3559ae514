"""The options of a task of the Generate screen: checked and completed as they are typed, and sent along."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.generate.conftest import GOOD, whole
from tests.tui.conftest import WIDE, Run, Ui
from tests.tui.generating import TEST, TRACEBACK, choose, find, project, set_options

pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
__all__ = ["project"]


def test_options_are_checked_and_completed_line_by_line(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await set_options(ui, "gone.py", "", "nounit")
        await ui.until_has("! context: gone.py: there is no such file", "framework", "into", "model")
        await ui.press(*["backspace"] * 7, *"che")
        await ui.until_has("check.py")  # what is known is offered
        await ui.press("right", "enter")
        await ui.until_has("! framework: nounit is no test framework that is known")
        await ui.press(*["backspace"] * 6, *"UnitTest", "enter")
        await ui.until_has("options (o): --context check.py  --framework unittest")
        await choose(ui, "docs")
        await ui.until(lambda: not ui.has("--framework"), "only what the task takes")
        await ui.press("o", "ctrl+o")
        await ui.until_has("[x] check.py")
        await ui.press("tab", "enter", "enter")
        await ui.until_has("options (o): optional: context, from, model")
        await ui.press("o", *"check.py", "escape")
        await ui.until(lambda: not ui.has("esc leaves") and not ui.has("--context"), "nothing given")
        (project.path / ".git").rename(project.path / "gone")
        await ui.press("o", *"src")
        await ui.until_has("src")
        await ui.press("enter")
        await ui.until_has("! context: src: ")

    tui(scenario, repo=project, screen="generate", size=WIDE)


@pytest.mark.slow
def test_options_go_along_as_those_of_the_command(tui: Run, project: Repository, generator: Says, home: Path) -> None:
    server = generator(whole("tests/deep/test_app.py", TEST) + "DONE\n")
    project.commit("a test", **{"tests/test_other__py": "import other\n\n\ndef test_a():\n    assert other\n"})
    (home / "issue.txt").write_text("It should add numbers below zero.\n")
    given = ("check.py", "~/issue.txt", "unittest", "tests/deep/test_app.py", "script/other")

    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await find(ui, "srcapp")
        await set_options(ui, *given)
        await ui.until_has("--from ~/issue.txt", "--into tests/deep/test_app.py", "--model script/other")
        await ui.press("ctrl+g")
        await ui.until_has("[x] tests/deep/test_app.py")

    tui(scenario, repo=project, screen="generate", size=WIDE)
    assert "Write tests for src/app.py, with unittest. They go into tests/deep/test_app.py" in server.prompt()
    assert '<file path="check.py" edit="no">' in server.prompt() and "numbers below zero" in server.prompt()
    assert server.asked()[-1]["model"] == "other"


@pytest.mark.slow
def test_a_text_that_goes_along_is_an_output_for_fix(tui: Run, project: Repository, generator: Says) -> None:
    """In a very small terminal, too."""
    server = generator(GOOD)
    project.write("failed.log", TRACEBACK)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await ui.resize(20, 5)
        await ui.press("o")
        await ui.until_has("context", "files to be read")
        await ui.press("tab", *"fail")
        await ui.until_has("from", "the file of an")
        await ui.until_has("failed.")
        await ui.press("right", "enter")
        await ui.until(lambda: not ui.has("context"), "the dialog's end")
        await ui.press("ctrl+g")
        await ui.until_has("[x] src/app.py")

    tui(scenario, repo=project, screen="generate")
    assert "Mend this: TypeError: unsupported operand type(s)" in server.prompt()
