"""What holds on every screen: switching, help, palette, theme, glyphs, what is remembered, and how errors are told."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from textual import work

from maw.cli.tui import SCREENS as NAMES
from maw.errors import FatalError
from maw_tui import glyphs, keys, state
from maw_tui.screens import SCREENS, TITLES
from maw_tui.screens.base import MawScreen
from maw_tui.themes import LIGHT
from maw_tui.widgets.filterbar import FilterBar
from maw_tui.widgets.help import HelpScreen
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.tui import guide
from tests.tui.conftest import WIDE, Run, Ui
from tests.tui.picture import inks_of


def test_the_command_knows_the_screens() -> None:
    assert tuple(SCREENS) == tuple(TITLES) == NAMES


def test_number_keys_switch_screens_and_the_last_one_is_remembered(tui: Run, repo: Repository) -> None:
    async def walk(ui: Ui) -> None:
        for number, name in enumerate(SCREENS, 1):
            await ui.press(str(number))
            assert ui.app.current_mode == name
            await ui.until(lambda name=name: ui.has(TITLES[name]))  # type: ignore[misc]
        await ui.press("3")

    async def look(ui: Ui) -> None:
        assert ui.app.current_mode == "queue"

    tui(walk, repo=repo)
    tui(look, repo=repo)


def test_it_begins_with_the_history_and_outside_of_a_repository_with_the_queue(tui: Run, repo: Repository) -> None:
    async def inside(ui: Ui) -> None:
        assert ui.app.current_mode == "history"
        await ui.until_has(repo.path.name)

    async def outside(ui: Ui) -> None:
        assert ui.app.current_mode == "queue"
        await ui.until_has("no repository")
        for key in "12":
            await ui.press(key)
            await ui.until_has("this is not a git repository: start maw tui in one")

    tui(inside, repo=repo)
    tui(outside)


def test_every_screen_lives_outside_of_a_repository(tui: Run) -> None:
    async def walk(ui: Ui) -> None:
        for number in range(1, len(SCREENS) + 1):
            await ui.press(str(number))
            await ui.idle()
            assert isinstance(ui.app.screen, MawScreen)

    tui(walk)


def test_help_lists_the_keys_of_the_screen_and_goes_away(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("question_mark")
        await ui.until_has("Commits with what is recorded on them")
        await ui.press("G")
        await ui.until_has("Everywhere", "All keys of this screen")
        await ui.press("escape")
        await ui.until(lambda: not ui.has("Everywhere"))

    tui(scenario, repo=repo, size=WIDE)


@pytest.mark.parametrize("keys", [["question_mark"], ["colon"], ["slash"], ["3", "f"], ["6", "i"]])
def test_ctrl_q_leaves_from_everywhere(tui: Run, repo: Repository, keys: list[str]) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press(*keys)
        await ui.idle()
        await ui.press("ctrl+q")
        await ui.until(lambda: ui.app._exit)

    tui(scenario, repo=repo)


def test_the_palette_finds_a_screen_by_name(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("colon")
        await ui.type("statistics")
        await ui.until_has("The statistics screen")
        await ui.press("enter")
        await ui.until(lambda: ui.app.current_mode == "stats")

    tui(scenario, repo=repo)


@pytest.mark.slow
def test_the_palette_has_what_the_keys_of_the_screen_do(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("4", "colon")
        await ui.type("could be had")
        await ui.until_has("All: Also the models that could be had", "key a of this screen")
        await ui.press("escape", "escape", "3", "colon")
        await ui.type("only what has")
        await ui.until_has("Filter: Show only what has these words")
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen.focused, FilterBar))

    tui(scenario, repo=repo)


def test_help_goes_on_below_its_words_at_any_width(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.press("3", "question_mark")
        await ui.until_has("j and k scroll, esc closes", "Cancel a task; take a review out of the outbox")
        place = next(line.index("Follow a task") for line in ui.lines if "Follow a task" in line)
        assert next(line.index("comes") for line in ui.lines if "comes" in line) == place
        await ui.resize(40, 12)
        await ui.until_has("Follow a")
        await ui.press("G")
        await ui.until_has("message away")

    tui(scenario, repo=repo)


def test_the_bars_can_be_clicked(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        column = ui.lines[0].index("3 Queue")
        await ui.pilot.click("TopBar", offset=(column + 2, 0))
        await ui.until(lambda: ui.app.current_mode == "queue")
        column = ui.lines[-1].index("? Help")
        await ui.pilot.click("KeysBar", offset=(column, 0))
        await ui.until(lambda: isinstance(ui.app.screen, HelpScreen))

    tui(scenario, repo=repo)


def test_the_theme_is_switched_and_remembered(tui: Run, repo: Repository) -> None:
    async def switch(ui: Ui) -> None:
        assert ui.app.current_theme.dark
        before = ui.app.screen.styles.background
        await ui.press("T")
        await ui.until(lambda: ui.app.screen.styles.background != before)
        assert ui.app.screen.styles.background.brightness > 0.9

    async def look(ui: Ui) -> None:
        assert not ui.app.current_theme.dark

    tui(switch, repo=repo)
    tui(look, repo=repo)


def test_without_colours_none_is_sent(tui: Run, repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(ui: Ui) -> None:
        svg = ui.app.export_screenshot()
        colours = set(re.findall(r"fill: (#[0-9a-f]+)", svg))
        assert len(colours) <= 2, colours  # the terminal's own foreground, and the frame's title

    tui(scenario, repo=repo)


def test_verdicts_differ_where_the_terminal_has_16_colours(
    tui: Run, sample: tuple[Repository, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("unreviewed", "pass", "block", "warn")
        inks = {word.strip(): ink for word, ink in inks_of(ui.app).items()}
        shown = {inks[word] for word in ("unreviewed", "pass", "block", "warn")}
        assert len(shown) == 4 and not any("#" in ink for ink in shown), shown
        await ui.press("2")
        await ui.until_has("dismissed", "accepted")
        await ui.press("T")
        await ui.until(lambda: not ui.app.current_theme.dark)
        assert ui.app.theme == "ansi-light"

    async def later(ui: Ui) -> None:
        assert ui.app.theme == LIGHT  # it is remembered for terminals that have more, too

    tui(scenario, repo=sample[0])
    monkeypatch.setenv("COLORTERM", "truecolor")
    tui(later, repo=sample[0])


def test_only_ascii_is_drawn_where_the_terminal_has_no_more(
    tui: Run, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")

    async def scenario(ui: Ui) -> None:
        await ui.press("question_mark")
        await ui.until_has("Filter, with the words")
        assert ui.text.isascii()

    tui(scenario, repo=repo)


@pytest.mark.parametrize(
    ("setting", "environ", "ascii_only"),
    [
        ("auto", {"LANG": "en_US.UTF-8"}, False),
        ("auto", {"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),  # as Python leaves it (PEP 538)
        ("auto", {"LC_CTYPE": "C.UTF-8"}, False),
        ("auto", {"LC_ALL": "POSIX", "LANG": "de_DE.utf8"}, True),
        ("auto", {}, False),
        ("ascii", {"LANG": "en_US.UTF-8"}, True),
        ("utf-8", {"LC_ALL": "C"}, False),
    ],
)
def test_glyphs_follow_setting_and_locale(setting: str, environ: dict[str, str], ascii_only: bool) -> None:
    assert glyphs.ascii_only(setting, environ) is ascii_only


@pytest.mark.parametrize("text", ["╭─╮│█▁…", "naïve", "日本", "→ ✓", "plain"])
def test_ascii_takes_as_many_columns(text: str) -> None:
    from rich.cells import cell_len

    found = glyphs.plain(text)
    assert found.isascii()
    assert len(found) == cell_len(text)


@pytest.mark.parametrize("content", ["{", "[]", '{"v": 99}', '{"v": 1, "theme": 7, "screen": "nowhere", "filters": 3}'])
def test_a_bad_state_file_is_ignored(tui: Run, repo: Repository, content: str) -> None:
    os.makedirs(os.path.dirname(state.path()), exist_ok=True)
    Path(state.path()).write_text(content)

    async def scenario(ui: Ui) -> None:
        assert ui.app.current_mode == "history"
        if "1" not in content:
            await ui.until_has("tui.json is not what maw writes")

    tui(scenario, repo=repo)


def test_a_state_that_cannot_be_kept_is_told(tui: Run, repo: Repository) -> None:
    os.makedirs(state.path() + ".d")
    os.makedirs(state.path())  # a folder in the file's place

    async def scenario(ui: Ui) -> None:
        await ui.press("4")  # a screen that is only being made when it is told
        await ui.until_has("! what is remembered cannot be kept in ", "tui.json: Is a")
        await ui.press("escape")
        await ui.until(lambda: not ui.has("tui.json"))
        await ui.press("T", "3", "4")
        await ui.idle()
        assert not ui.has("tui.json")  # once is enough

    tui(scenario, repo=repo)


def test_two_at_once_keep_what_the_other_one_remembers() -> None:
    both = state.State("maw-dark", "history").filtered("history", "kept").filtered("findings", "dropped")
    state.save(both)
    state.save(both._replace(theme="maw-light").chosen("stats", "weeks"), both)
    state.save(both._replace(screen="queue").filtered("queue", "failed").filtered("findings", ""), both)
    found, trouble = state.load()
    assert (found.theme, found.screen, trouble) == ("maw-light", "queue", "")
    assert dict(found.filters) == {"history": "kept", "queue": "failed"}
    assert dict(found.choices) == {"stats": "weeks"}


def test_what_is_remembered_comes_back_as_it_was() -> None:
    before = state.State("maw-light", "queue").filtered("history", "severity:error ünïcode").filtered("x", "")
    state.save(before)
    assert state.load() == (before, "")
    assert json.loads(Path(state.path()).read_text())["filters"] == {"history": "severity:error ünïcode"}


def test_errors_of_workers_are_a_line_and_a_defect_is_reported(tui: Run, repo: Repository, home: Path) -> None:
    class Failing(MawScreen):
        NAME = ABOUT = "Failing"

        def body(self):
            yield from ()

        @work(thread=True, exclusive=True, exit_on_error=False, group="fail")
        def reload(self) -> None:
            raise FatalError("the node is gone\x1b[31m", hint="wake it")

        @work(thread=True, exclusive=True, exit_on_error=False, group="fail")
        def break_down(self) -> None:
            raise ZeroDivisionError("by nought")

        def action_stumble(self) -> None:
            raise OSError(13, "Permission denied", "/somewhere")

    async def scenario(ui: Ui) -> None:
        screen = Failing()
        ui.app.add_mode("failing", lambda: screen)
        ui.app.switch_mode("failing")
        await ui.until_has("! the node is gone\N{REPLACEMENT CHARACTER}[31m (wake it)")
        await ui.press("escape")
        await ui.until(lambda: not ui.has("the node is gone"))
        await ui.app.run_action("screen.stumble")
        await ui.until_has("! /somewhere: Permission denied")
        screen.break_down()
        await ui.until_has("this is a defect in maw: ZeroDivisionError: by nought")
        await ui.press("1")
        assert ui.app.current_mode == "history"

    app = tui(scenario, repo=repo, defects=True)
    assert isinstance(app.unexpected, ZeroDivisionError)
    assert "ZeroDivisionError" in (home / "state" / "defect.log").read_text()


def test_a_tiny_terminal_keeps_the_content(tui: Run, repo: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        for number in range(1, len(SCREENS) + 1):
            await ui.resize(80, 24)
            await ui.press(str(number))
            await ui.resize(20, 5)
            await ui.idle()
            assert len(ui.lines) == 5
            assert max(map(len, ui.lines)) <= 20

    tui(scenario, repo=repo)


def test_keys_mean_one_thing_on_a_screen() -> None:
    for section in keys.sections():
        bound = [key for line in section.keys for key in line.keys]
        assert len(bound) == len(set(bound)), section.title


def test_the_page_has_the_keys_and_pictures_that_there_are() -> None:
    page = guide.PAGE.read_text(encoding="utf-8")
    assert guide.written(page) == page, "run `make docs`"
    for name in guide.SCENES:
        assert f"(images/tui/{name}.svg)" in page
        assert (guide.PICTURES / f"{name}.svg").is_file()


def test_it_says_what_it_lacks_without_a_terminal(maw: Maw) -> None:
    ran = maw("tui")
    assert ran.code == 2
    assert "needs a terminal" in ran.err
    assert "Traceback" not in ran.err


def test_it_says_how_to_add_what_is_not_installed(maw: Maw, home: Path) -> None:
    """A `textual` that cannot be found, as in an install without the extra."""
    (home / "hide").mkdir()
    (home / "hide" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'textual' else find(name, package)\n"
    )
    ran = maw("tui", PYTHONPATH=str(home / "hide"))
    assert ran.code == 2
    assert "needs Textual" in ran.err
    assert re.search(r"\.\[(all|[a-z,-]*tui[a-z,-]*)\]", ran.err)  # with the extras that are there
