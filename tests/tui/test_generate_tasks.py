"""The tasks of the Generate screen, each as its command does it: what it needs, what it asks, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from tests.fixtures.git import Repository
from tests.fixtures.scripted import CUT, HELD, Says
from tests.generate.conftest import APP, BAD, GOOD, LOST, replacing, whole
from tests.tui.conftest import NARROW, WIDE, Run, Ui
from tests.tui.generating import TEST, TRACEBACK, choose, find, give, project, say, write

pytest.importorskip("uvicorn", reason="a runner needs the runner extra")
__all__ = ["project"]
FIXED = APP.replace("a - b", "a + b", 1)
PROSE = "`sub` (src/app.py:5) subtracts\x1b[31m, see src/app.py:99.\n\n" + "It is short. " * 12
EVERY = ("code", "test", "docs", "refactor", "optimize", "fix", "explain")


def clipboard(ui: Ui) -> str:
    return ui.app.clipboard


async def paste(ui: Ui, text: str) -> None:
    await say(ui, "")
    ui.app.post_message(events.Paste(text))
    await ui.until_has(text.splitlines()[-1])


# What they need


# Of each task: what the screen says that it needs, and how it refuses without.
NEEDS = {
    "code": (
        ["instruction (i): required", "files (ctrl+o): optional", "options (o): opt"],
        "! say what is to be done first",
    ),
    "test": (["instruction (i): optional", "files (ctrl+o): required; one"], "! choose the one file that is to be"),
    "docs": (["command (v): optional", "required, unless the instruction names"], "! choose files first"),
    "refactor": (["has to pass before and after", "Make it simpler."], "! choose files first"),
    "optimize": (["has to pass before and after", "timed with (b): optional"], "! choose files first"),
    "fix": (["command (v): required, unless an output is pasted"], "! name a command that fails first"),
    "explain": (["instruction (i): optional; a question"], "! choose files first"),
}


@pytest.mark.slow
def test_what_is_needed_is_told_before_and_refused_without(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        for task, (needs, refusal) in NEEDS.items():
            await choose(ui, task)
            await ui.until_has(*needs)
            assert ui.has("command (v)") == (task != "explain")
            assert not ui.has("! ")
            await ui.press("ctrl+g")
            await ui.until_has(refusal)
            await ui.press("escape")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_the_list_of_tasks(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("ctrl+t")
        await ui.until_has(*EVERY, "Mend what a command, or its output, says is wrong")
        await ui.press("ctrl+t", "down", "j", "enter")
        await ui.until_has("Generate: refactor")
        await ui.press("ctrl+t", "k", "escape")
        await ui.until_has("Generate: refactor")
        await ui.press("ctrl+t", "shift+tab", "shift+tab", "shift+tab", "shift+tab", "enter")
        await ui.until_has("Generate: explain")

    tui(scenario, repo=project, screen="generate")

    async def later(ui: Ui) -> None:
        await ui.until_has("Generate: explain")  # remembered

    tui(later, repo=project, screen="generate")


@pytest.mark.slow
def test_tests_are_of_one_file(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await find(ui, "docs/deep/")
        await ui.press("ctrl+g")
        await ui.until_has("! docs/deep/ is a folder")
        await find(ui, "check")
        await ui.press("ctrl+g")
        await ui.until_has("! choose the one file", "2 are chosen")

    tui(scenario, repo=project, screen="generate", size=WIDE)


# test


@pytest.mark.slow
def test_tests_go_where_the_project_has_them(tui: Run, project: Repository, generator: Says) -> None:
    server = generator(whole("tests/test_app.py", TEST) + "DONE\n")
    project.commit("a test", **{"tests/test_other__py": "import other\n\n\ndef test_a():\n    assert other\n"})

    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await find(ui, "srcapp::add")
        await ui.press("ctrl+g")
        await ui.until_has("[x] tests/test_app.py", "+def test_add():")
        await ui.press("enter")
        await ui.until_has("applied to 1 file")

    tui(scenario, repo=project, screen="generate")
    assert (project.path / "tests/test_app.py").read_text() == TEST
    assert "Write tests for `add` of src/app.py, with pytest." in server.prompt()
    assert '<file path="src/app.py" edit="no">' in server.prompt()


@pytest.mark.slow
def test_framework_and_place_are_told(tui: Run, project: Repository, generator: Says) -> None:
    generator(HELD + "FILE tests/test_app.py\n")
    project.commit("a test", **{"tests/test_other__py": "import other\n\n\ndef test_a():\n    assert other\n"})

    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await find(ui, "srcapp")
        await ui.press("ctrl+g")
        await ui.until_has("pytest, in tests/test_app.py (new): ", "`pytest tests/test_app.py` would run them")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_an_answer_without_tests_is_refused(tui: Run, project: Repository, generator: Says) -> None:
    generator(whole("tests/test_app.py", "import app\n") + "DONE\n")
    project.commit("a test", **{"tests/test_other__py": "import other\n\n\ndef test_a():\n    assert other\n"})

    async def scenario(ui: Ui) -> None:
        await choose(ui, "test")
        await find(ui, "srcapp")
        await ui.press("ctrl+g")
        await ui.until_has("the answer adds no test", "Nothing came of it that can be taken.")

    tui(scenario, repo=project, screen="generate")
    assert project.git("status", "--porcelain") == ""


# fix


@pytest.mark.slow
def test_a_command_that_fails_is_mended_in_rounds(tui: Run, project: Repository, generator: Says) -> None:
    server = generator(BAD, GOOD)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await give(ui, "v", "python check.py")
        await ui.until_has("command (v): `python check.py`")
        await ui.press("ctrl+g")
        await ui.until_has("2 rounds", "passed", "[x] src/app.py")
        await ui.press("enter")
        await ui.until_has("applied to 1 file")
        assert (project.path / "src/app.py").read_text() == FIXED
        await ui.press("ctrl+g")
        await ui.until_has("nothing to mend: `python check.py` passes")

    tui(scenario, repo=project, screen="generate", size=WIDE)
    assert "Mend this: AssertionError: one and two is three" in server.prompt(0)
    assert "An answer before was tried" in server.prompt()


@pytest.mark.parametrize("verify", ["", pytest.param("python check.py", marks=pytest.mark.slow)])
def test_a_pasted_output_is_mended(
    tui: Run, project: Repository, generator: Says, monkeypatch: pytest.MonkeyPatch, verify: str
) -> None:
    server = generator(GOOD)
    monkeypatch.setenv("MAW_GENERATE_VERIFY", verify)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await paste(ui, TRACEBACK)
        await ui.press("ctrl+g")
        await ui.until_has("[x] src/app.py")

    tui(scenario, repo=project, screen="generate")
    assert "Mend this: TypeError: unsupported operand type(s)" in server.prompt()
    assert "You may edit: src/app.py." in server.prompt()


@pytest.mark.slow
def test_with_a_command_the_instruction_is_one(tui: Run, project: Repository, generator: Says) -> None:
    server = generator(GOOD)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await give(ui, "v", "python check.py")
        await write(ui, "by a plus", "src/app")
        await ui.until_has("[x] src/app.py")

    tui(scenario, repo=project, screen="generate")
    assert "by a plus" in server.prompt() and "one and two is three" in server.prompt()


@pytest.mark.slow
def test_an_output_that_names_nothing_here(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await write(ui, "it does not work")
        await ui.until_has("! the output names no place in this repository (name the files that may be")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_a_command_that_is_run_first_can_be_stopped(tui: Run, project: Repository, home: Path) -> None:
    async def scenario(ui: Ui) -> None:
        await choose(ui, "fix")
        await give(ui, "v", f"touch {home}/begun; sleep 300")
        await ui.press("ctrl+g")
        await ui.until((home / "begun").exists, "the command")
        await ui.until_has("running the command as it is")
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")


# optimize


@pytest.mark.slow
def test_what_is_not_faster_is_not_taken(tui: Run, project: Repository, generator: Says) -> None:
    slower = replacing("src/app.py", "def add(a, b):\n", "import time\ntime.sleep(0.3)\ndef add(a, b):\n") + "DONE\n"
    server = generator(slower, GOOD)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "optimize")
        await give(ui, "b", "python src/app.py")
        await ui.until_has("timed with (b): `python src/app.py`")
        await find(ui, "srcapp")
        await ui.press("ctrl+g")
        await ui.until_has("which is not faster")
        await ui.until(lambda: not ui.has("esc stops"), "its end")
        await ui.press("escape")  # the second answer may have been faster, or not
        await choose(ui, "code")
        assert not ui.has("timed with")
        await write(ui, "add")
        await ui.until_has("[x] src/app.py")  # nobody times it

    tui(scenario, repo=project, screen="generate", size=WIDE)
    assert "Make it faster." in server.prompt(0)


# explain


@pytest.mark.slow
@pytest.mark.parametrize("size", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)])
def test_an_explanation_is_read_and_copied(
    tui: Run, project: Repository, generator: Says, size: tuple[int, int]
) -> None:
    generator(CUT + PROSE)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "explain")
        await find(ui, "srcapp")
        await ui.press("ctrl+g")
        await ui.until_has("src/app.py:99 [no such line]", "cut at its bound")
        assert not ui.has("[x]") and not ui.has("\x1b")
        assert max(map(len, ui.lines)) <= size[0] and ui.text.count("short.") == 12  # broken, not cut
        await ui.press("y")
        await ui.until_has("copied: 3 lines")
        assert "src/app.py:99 [no such line]" in clipboard(ui) and "\x1b" not in clipboard(ui)
        await ui.resize(60, 30)
        await ui.until(lambda: ui.text.count("short.") == 12, "all of it, in fewer columns")

    tui(scenario, repo=project, screen="generate", size=size)
    assert project.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_an_explanation_streams_and_is_stopped(tui: Run, project: Repository, generator: Says) -> None:
    generator(HELD + "It adds, " + "and adds, " * 20)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "explain")
        await write(ui, "what is src/app.py for?")
        await ui.until_has("It adds, and adds,", "esc stops")
        assert ui.text.count("adds, ") > 15 or ui.text.count("adds,") == 21
        await ui.press("escape")
        await ui.until_has("stopped; nothing was changed")

    tui(scenario, repo=project, screen="generate")


# What can be copied


@pytest.mark.slow
def test_an_answer_that_failed_and_a_diff_can_be_copied(tui: Run, project: Repository, generator: Says) -> None:
    generator(LOST, LOST, GOOD)

    async def scenario(ui: Ui) -> None:
        await ui.press("y")
        assert not ui.has("copied")
        await write(ui, "add", "src/app")
        await ui.until_has("Nothing came of it that can be taken.")
        await ui.press("y")
        await ui.until_has("copied: ")
        assert clipboard(ui).startswith("FILE src/app.py\n")
        await ui.press("ctrl+g")
        await ui.until_has("[x] src/app.py")
        await ui.press("y")
        await ui.until(lambda: "+    return a + b" in clipboard(ui), "the diff")

    tui(scenario, repo=project, screen="generate")
