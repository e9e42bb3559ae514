"""The Generate screen, with a real runner whose Generator says what a test wants, and a real working tree."""

from __future__ import annotations

import pytest

from maw.generate.memory import waiting
from maw.memory.arrivals import deliver
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.review.render import Line
from maw_tui.screens.generate.output import Output
from tests.fixtures.attendant import kernel_repo
from tests.fixtures.git import Repository
from tests.fixtures.scripted import Says
from tests.generate.conftest import APP, BAD, CHECK, GOOD, LOST, replacing
from tests.tui.conftest import NARROW, WIDE, Run, Ui
from tests.tui.generating import choose, project, say, write
from tests.tui.picture import check

__all__ = ["project"]
TWO = (
    replacing("src/app.py", "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n")
    + replacing("check.py", "import app\n", "import app  # \x1b[31m what is checked\n".replace("\x1b[31m ", ""))
    + "DONE\n"
)
FIXED = APP.replace("a - b", "a + b", 1)


def noted(project: Repository) -> list[str]:
    """The statuses of generations that are noted, or on their way to a note."""
    with Index(kernel_repo(project)) as index:
        deliver(kernel_repo(project), print)
        index.refresh()
        return [row.status for row in index.history(Filters(kind="generate")).rows]


@pytest.mark.parametrize("size", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)])
def test_compose_write_choose_apply_and_undo(
    tui: Run, project: Repository, generator: Says, size: tuple[int, int]
) -> None:
    server = generator(TWO)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "srcapp", "check")
        await ui.until_has("[x] check.py  +1 -1", "[x] src/app.py  +1 -1", "1 round")
        await ui.until_has("+import app  # what is checked")
        await ui.press("space")
        await ui.until_has("[ ] check.py")
        await ui.until_has("+    return a + b")  # the next hunk, its lines below
        await ui.press("enter")
        await ui.until_has("applied to 1 file")
        assert (project.path / "src/app.py").read_text() == FIXED
        assert (project.path / "check.py").read_text() == CHECK
        assert [entry.record["status"] for entry in waiting.entries(kernel_repo(project))] == ["partly"]
        (kept,) = waiting.entries(kernel_repo(project))
        assert kept.record["stats"]["completion_tokens"] > 0 and kept.record["stats"]["elapsed_ms"] > 0
        await ui.press("u")
        await ui.until_has("taken back in 1 file")
        assert project.git("status", "--porcelain") == ""
        assert waiting.entries(kernel_repo(project)) == []

    tui(scenario, repo=project, screen="generate", size=size)
    assert noted(project) == ["rejected"]  # taken back
    assert "add should add" in server.prompt() and '<file path="src/app.py" edit="yes">' in server.prompt()


@pytest.mark.slow
def test_all_none_and_leaving(tui: Run, project: Repository, generator: Says) -> None:
    generator(TWO)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app", "check")
        await ui.until_has("[x] src/app.py")
        await ui.press("n")
        await ui.until_has("[ ] src/app.py", "[ ] check.py")
        await ui.press("enter")
        await ui.until_has("! no hunk is chosen")
        await ui.press("a")
        await ui.until_has("[x] check.py")
        await ui.press("escape")
        await ui.until_has("Nothing was changed.")
        await ui.idle()
        assert project.git("status", "--porcelain") == ""

    tui(scenario, repo=project, screen="generate")
    assert noted(project) == ["rejected"]


@pytest.mark.slow
def test_an_answer_that_cannot_be_taken_says_why(tui: Run, project: Repository, generator: Says) -> None:
    generator(LOST)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("Nothing came of it that can be taken.", "round 2: refused", "def mul(a, b):")
        assert project.git("status", "--porcelain") == ""
        assert not ui.has("[x]")

    tui(scenario, repo=project, screen="generate", size=WIDE)
    assert noted(project) == ["failed"]


@pytest.mark.slow
def test_the_users_command_is_run_and_its_failure_told(
    tui: Run, project: Repository, generator: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator(BAD, GOOD)
    monkeypatch.setenv("MAW_GENERATE_VERIFY", "python check.py")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("command (v): `python check.py`")
        await write(ui, "add", "src/app")
        await ui.until_has("2 rounds", "passed", "[x] src/app.py")
        await ui.press("enter")
        await ui.until_has("applied to 1 file")
        assert (project.path / "src/app.py").read_text() == FIXED

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_the_command_may_be_another_one_here(tui: Run, project: Repository, generator: Says) -> None:
    generator(GOOD)

    async def scenario(ui: Ui) -> None:
        await ui.press("v")
        await ui.until_has("a shell command; none if empty")
        await ui.type("python check.py")
        await ui.press("enter")
        await ui.until_has("command (v): `python check.py`")
        await write(ui, "add", "src/app")
        await ui.until_has("passed", "[x] src/app.py")
        await ui.press("escape", "v", "escape")
        await ui.until_has("command (v): `python check.py`")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_what_is_to_do_the_same_must_pass_before(
    tui: Run, project: Repository, generator: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = generator(GOOD)
    monkeypatch.setenv("MAW_GENERATE_VERIFY", "python check.py")

    async def scenario(ui: Ui) -> None:
        await choose(ui, "refactor")
        await write(ui, "simpler", "src/app")
        await ui.until_has("! `python check.py` failed with exit code 1: AssertionError")

    tui(scenario, repo=project, screen="generate")
    assert server.asked() == []


def test_what_came_of_it_is_read_from_its_start(tui: Run, project: Repository) -> None:
    def lines(name: str) -> list[Line]:
        return [Line((("plain", f"{name} {number}"),)) for number in range(100)]

    async def scenario(ui: Ui) -> None:
        out = ui.app.screen.query_one(Output)
        out.go_on(lines("writing"))
        await ui.until_has("writing 99")
        out.go_on(lines("more"))  # its end would be brought into sight in a moment
        out.tell(lines("answer"))
        await ui.until_has("answer 0")
        await ui.pilot.pause()
        assert ui.has("answer 0") and not ui.has("answer 99")

    tui(scenario, repo=project, screen="generate")


def test_what_came_before_there_is_a_bar_is_read_from_its_start(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        out = ui.app.screen.query_one(Output)
        more = [Line((("plain", f"line {number}"),)) for number in range(out.size.height + 1)]
        out.go_on(more)  # its end is brought into sight at once, its scroll bar comes in a moment
        out.tell(more)
        await ui.until_has("line 1")
        await ui.pilot.pause()
        assert ui.has("line 0")

    tui(scenario, repo=project, screen="generate")


def test_what_is_written_is_followed_and_read_sideways(tui: Run, project: Repository) -> None:
    def lines(count: int) -> list[Line]:
        return [Line((("plain", f"line {number} {'x' * 100} its end"),)) for number in range(count)]

    async def scenario(ui: Ui) -> None:
        out = ui.app.screen.query_one(Output)
        out.focus()
        out.go_on(lines(3))
        await ui.until_has("line 2")
        out.go_on(lines(100))
        await ui.until_has("line 99")
        out.scroll_to(x=60, animate=False)
        await ui.until_has("its end")
        out.go_on(lines(110))
        await ui.pilot.pause()
        assert ui.has("its end")
        out.scroll_to(0, 0, animate=False)
        await ui.until_has("line 0")
        out.go_on(lines(200))  # whoever reads above stays there
        await ui.pilot.pause()
        assert ui.has("line 0") and not ui.has("line 199")
        await ui.press("G")
        await ui.until_has("line 199")
        out.tell([])
        await ui.until(lambda: not out.show_vertical_scrollbar, "nothing to scroll over")
        out.tell([Line((("plain", f"{'x' * 76} end of it"),))] * 30, prose=True)
        await ui.until_has("end of it")  # none of it is behind the scroll bar

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_documentation_that_changes_code_is_refused(tui: Run, project: Repository, generator: Says) -> None:
    generator(GOOD)

    async def scenario(ui: Ui) -> None:
        await choose(ui, "docs")
        await write(ui, "say more", "src/app")
        await ui.until_has("Nothing came of it that can be taken.")
        assert project.git("status", "--porcelain") == ""

    tui(scenario, repo=project, screen="generate")


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_what_is_seen(tui: Run, project: Repository, generator: Says, size: tuple[int, int]) -> None:
    generator(TWO)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app", "check")
        await ui.until_has("[x] check.py  +1 -1", "1 round")
        await check("generate", ui, {r"· \d+\.\d s ·": "· 1.0 s ·"})

    tui(scenario, repo=project, screen="generate", size=size)


@pytest.mark.slow
def test_who_writes_the_next_instruction_is_not_interrupted(tui: Run, project: Repository, generator: Says) -> None:
    generator(GOOD)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await say(ui, " n")
        await ui.until_has("[x] src/app.py")
        await ui.type("an x")
        assert ui.has("add nan x") and ui.has("[x] src/app.py")
        assert not ui.has("i Write")  # letters are no keys now
        await ui.press("escape", "space")
        await ui.until_has("[ ] src/app.py")
        await ui.press("i", "ctrl+l", "ctrl+z", "escape", "space", "enter")
        await ui.until_has("applied to 1 file", "add nan x")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_the_same_once_more_is_another_answer(tui: Run, project: Repository, generator: Says) -> None:
    server = generator(GOOD)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add", "src/app")
        await ui.until_has("[x] src/app.py")
        await ui.press("escape")
        await ui.until_has("Nothing was changed.")
        await ui.press("ctrl+g")
        await ui.until_has("[x] src/app.py")

    tui(scenario, repo=project, screen="generate")
    assert len(server.asked()) == 2


@pytest.mark.slow
def test_a_click_takes_a_hunk_or_leaves_it_and_applies_nothing(tui: Run, project: Repository, generator: Says) -> None:
    generator(TWO)

    async def scenario(ui: Ui) -> None:
        await write(ui, "add should add", "src/app", "check")
        await ui.until_has("[x] src/app.py")
        await ui.pilot.click("#generate-hunks", offset=(1, 1))
        await ui.until_has("[ ] src/app.py", "+    return a + b")
        await ui.pilot.click("#generate-hunks", offset=(9, 0), times=2)
        await ui.until_has("[x] check.py", "+import app  # what is checked")
        await ui.idle()
        assert project.git("status", "--porcelain") == "" and ui.has("[ ] src/app.py")

    tui(scenario, repo=project, screen="generate")
