"""The dialog that finds files and folders by some of their letters."""

from __future__ import annotations

import pytest

from maw_tui.fuzzy import rank
from tests.fixtures.git import Repository
from tests.tui.conftest import Run, Ui
from tests.tui.generating import choose, find, project

__all__ = ["project"]


@pytest.mark.slow
def test_definitions_and_lines_are_found_behind_letters(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await choose(ui, "explain")
        await ui.press("ctrl+o")
        await ui.until_has("6 files and folders")
        await ui.type("app::sub")
        await ui.until_has("src/app.py::sub")
        await ui.press("tab", *["backspace"] * 5)
        await ui.type(":3-4")
        await ui.until_has("src/app.py:3-4")
        await ui.press("tab", *["backspace"] * 8)
        await ui.type("gone.py")
        await ui.press("enter")
        await ui.until_has("no path has these letters")  # what is explained is there
        await ui.press(*["backspace"] * 7, "enter")
        await ui.until_has("files (ctrl+o): src/app.py::sub, src/app.py:3-4")
        await find(ui, "app::add")
        await ui.press("ctrl+g")
        await ui.until_has("! sub and add: it can be about one definition only")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_what_was_chosen_is_in_sight_and_can_be_changed(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await find(ui, "check")
        await ui.press("ctrl+o")
        await ui.until_has("[x] check.py")
        await ui.type("srcapp")
        await ui.press("enter")  # beside what was chosen before
        await ui.until_has("files (ctrl+o): check.py, src/app.py")
        await ui.press("ctrl+o")
        await ui.until_has("[x] check.py", "[x] src/app.py")
        await ui.press("tab", "tab", "enter")
        await ui.until_has("files (ctrl+o): optional")
        await ui.press("ctrl+o")
        await ui.type("zzz/")
        await ui.press("enter")
        await ui.until_has("no path has these letters")
        await ui.press("escape", "ctrl+o", "enter")
        await ui.until_has("files (ctrl+o): docs/")

    tui(scenario, repo=project, screen="generate")


@pytest.mark.slow
def test_the_finder_marks_several_and_offers_what_is_not_there_yet(tui: Run, project: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("ctrl+o")
        await ui.until_has("6 files and folders", "docs/deep/")
        await ui.type("rdme")
        await ui.until_has("docs/deep/read me.txt")
        assert not ui.has("src/app.py")
        await ui.press("tab", *["backspace"] * 4)
        await ui.type("src/new.py")
        await ui.until_has("new file src/new.py")
        await ui.press("tab")
        await ui.until_has("2 marked")
        await ui.press("enter")
        await ui.until_has("docs/deep/read me.txt")
        await ui.until_has("src/new.py")
        await ui.press("ctrl+o")
        await ui.until_has("2 marked")
        await ui.press("escape")
        await ui.until(lambda: not ui.has("2 marked"))
        assert ui.has("src/new.py")

    tui(scenario, repo=project, screen="generate")


PATHS = ["src/parser/token.py", "src/p.py", "tests/test_parser.py", "README.md", "src/parser.py", "docs/Parser.md"]


@pytest.mark.parametrize(
    ("letters", "found"),
    [
        ("parser", ["src/parser.py", "docs/Parser.md", "tests/test_parser.py", "src/parser/token.py"]),
        ("Parser", ["docs/Parser.md"]),
        ("src p", ["src/p.py", "src/parser.py", "src/parser/token.py"]),
        ("rdm", ["README.md"]),
        ("", PATHS),
        ("zz", []),
        (".*", []),
    ],
)
def test_paths_are_found_by_their_letters(letters: str, found: list[str]) -> None:
    got = rank(PATHS, letters)
    assert got[: len(found)] == found and bool(got) == bool(found)
    assert rank(PATHS, letters, most=1) == found[:1]
