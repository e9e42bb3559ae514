"""The history: paging, filter, a commit with its diff and findings, neighbours, editor, what is copied."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from textual.geometry import Region

from benchmarks.many_notes import build as many
from maw.git.notes import Notes
from maw.git.repo import discover
from maw_tui.screens.history.detail import Detail
from maw_tui.screens.history.table import CommitTable
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.tui.conftest import NARROW, WIDE, Run, Ui
from tests.tui.picture import check

Sample = tuple[Repository, dict[str, str]]


def listed(ui: Ui) -> list[str]:
    """The short ids of the commits on the screen."""
    return re.findall(r"^ ([0-9a-f]{8}) ", ui.text, re.MULTILINE)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_the_picture(tui: Run, sample: Sample, size: tuple[int, int]) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until(lambda: len(listed(ui)) == 5)
        await ui.press("down", "down")
        await ui.idle()
        await ui.until(lambda: size == NARROW or ui.has("first([])"))
        await check("history", ui)
        await ui.press("enter")
        await ui.until_has("parser.py")
        await ui.press("n")
        await ui.until_has("first([])")
        await check("commit", ui)

    tui(scenario, repo=sample[0], size=size)


def test_light_and_dark_differ_in_colours_only(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        table = ui.app.screen.query_one(CommitTable)
        before, dark = ui.text, table.get_component_rich_style("lines--error").color
        await ui.press("T")
        await ui.until(lambda: table.get_component_rich_style("lines--error").color != dark)
        assert ui.text == before

    tui(scenario, repo=sample[0])


@pytest.mark.slow
def test_the_filter_has_the_words_of_maw_history(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, made = sample
    asked = {
        "severity:error": ["--severity", "error"],
        "author:novak": ["--author", "novak"],
        "path:cli.py": ["--path", "cli.py"],
        "verdict:pass": ["--verdict", "pass"],
        "status:unrev": ["--status", "unreviewed"],
        "divides zero": ["--text", "divides zero"],
        "divides": ["--text", "divides"],
        f"range:{made['cli']}..": [f"{made['cli']}.."],
        "kind:message": ["--kind", "message"],
    }

    async def scenario(ui: Ui) -> None:
        for text, options in asked.items():
            rows = [line.split()[0][:8] for line in maw("history", *options, cwd=repo.path).out.splitlines()]
            wanted = list(dict.fromkeys(rows))
            await ui.press("slash")
            await ui.type(text)
            await ui.press("enter")
            await ui.idle()
            await ui.until(lambda: listed(ui) == wanted, f"{text}: {wanted}")  # noqa: B023
            await ui.press("slash", "escape")
            await ui.idle()
        assert len(listed(ui)) == 5

    tui(scenario, repo=repo)


@pytest.mark.slow
def test_a_filter_that_means_nothing_is_told_and_the_rows_stay(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.press("slash")
        await ui.type("severity:x")
        await ui.until_has("! severity: is one of info, warning, error, critical")
        assert len(listed(ui)) == 5
        await ui.press("escape")
        await ui.type("/range:nowhere")
        await ui.until_has("! no such commit or range: 'nowhere'")

    tui(scenario, repo=sample[0])


def test_the_filter_is_remembered(tui: Run, sample: Sample) -> None:
    async def first(ui: Ui) -> None:
        await ui.type("/blanks")
        await ui.press("enter")
        await ui.until(lambda: len(listed(ui)) == 1)

    async def second(ui: Ui) -> None:
        await ui.until(lambda: len(listed(ui)) == 1)
        assert ui.lines[1].strip() == "blanks"
        await ui.press("enter")
        await ui.until_has("@@")  # the commit, in front of the list
        await ui.type("/blanks and")
        await ui.until(lambda: len(listed(ui)) == 1, "what the filter leaves, while it is typed")

    tui(first, repo=sample[0])
    tui(second, repo=sample[0])


def test_new_records_come_with_a_reload(tui: Run, sample: Sample) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        commit = repo.commit("A later one")
        maw_note(repo, commit)
        await ui.press("j", "r")
        await ui.until_has("A later one")
        assert len(listed(ui)) == 6
        table = ui.app.screen.query_one(CommitTable)
        assert table.cursor == 2  # on the commit that it was on
        await ui.press("r")
        await ui.idle()
        assert (table.cursor, len(listed(ui))) == (2, 6)

    tui(scenario, repo=repo)


def test_new_records_come_by_themselves(tui: Run, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    from maw_tui.screens import news

    monkeypatch.setattr(news, "LOOK_EVERY", 2.0)
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.press("j")
        await ui.idle()  # it comes after the first list, and mostly before the timer's first look
        maw_note(repo, repo.commit("A later one"))
        await ui.until_has("A later one")
        assert ui.app.screen.query_one(CommitTable).cursor == 2

    tui(scenario, repo=repo)


def maw_note(repo: Repository, commit: str) -> None:
    from maw import record
    from tests.fixtures.attendant import review_record

    assert Notes(discover(str(repo.path))).append("review", commit, [record.encode(review_record(repo, commit))])


def test_the_cursor_stays_in_sight_when_the_wheel_scrolls(tui: Run, repo: Repository) -> None:
    maw_note(repo, repo.commit("Long", **{"a.py": "".join(f"line{number}\n" for number in range(200))}))

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Long")
        await ui.press("enter")
        await ui.until_has("line9")
        detail = ui.app.screen.query_one(Detail)
        detail.scroll_relative(y=60, animate=False)
        await ui.until_has("line62")
        assert detail.cursor == detail.scroll_offset.y == 60
        await ui.press("j")
        assert detail.scroll_offset.y == 60

    tui(scenario, repo=repo)


def test_only_lines_that_changed_are_drawn(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("Test the total")
        await ui.press("j", "j")
        await ui.until_has("first([])")
        detail = ui.app.screen.query_one(Detail)
        drawn: list[Region] = []
        refresh = detail.refresh

        def watched(*regions: Region, **more: bool) -> object:
            drawn.extend(regions or [detail.region])
            return refresh(*regions, **more)

        detail.refresh = watched  # type: ignore[assignment, method-assign]
        await ui.press("j")
        await ui.until_has("Lines keep their ends")
        assert all(region.height == 1 for region in drawn)
        assert 10 < len(drawn) < 40  # of 46: neither commit fills the pane

    tui(scenario, repo=sample[0], size=WIDE)


def test_keys_and_mouse_move_in_the_list_and_the_commit(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until(lambda: len(listed(ui)) == 5)
        table = ui.app.screen.query_one(CommitTable)
        for keys, row in ((["j", "j"], 2), (["k"], 1), (["G"], 4), (["g"], 0), (["end"], 4), (["home"], 0)):
            await ui.press(*keys)
            assert table.cursor == row
        await ui.pilot.click(CommitTable, offset=(20, 3))
        await ui.until(lambda: table.cursor == 3)
        await ui.press("tab")
        await ui.until(lambda: isinstance(ui.app.screen.focused, Detail))
        await ui.until_has("Add a command")
        await ui.press("z")
        await ui.until_has("import sys", "│")
        await ui.press("s")
        await ui.until(lambda: not ui.has("│"))
        await ui.press("escape", "escape")
        await ui.until(lambda: isinstance(ui.app.screen.focused, CommitTable))

    tui(scenario, repo=sample[0], size=WIDE)


def test_a_note_that_cannot_be_read_is_left_out(tui: Run, sample: Sample) -> None:
    repo, made = sample
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"\xff\x00 no note\n{\n")
    repo.git("update-ref", "-d", "refs/notes/maw/message")
    repo.git("notes", "--ref=maw/message", "add", "-C", blob, made["begin"])

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.press("end", "enter")
        await ui.until_has("Divides by zero for no rows")

    tui(scenario, repo=repo)


def test_a_repository_that_is_deleted_under_it_is_told(tui: Run, sample: Sample) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.idle()
        shutil.rmtree(repo.path)
        await ui.press("r")
        await ui.until_has("! ")
        await ui.press("enter")
        await ui.idle()
        await ui.press("2", "1", "question_mark")
        await ui.until_has("critical, E error")

    tui(scenario, repo=repo)


@pytest.mark.slow
def test_pages_are_read_where_one_looks(tui: Run, home: Path) -> None:
    many(home / "many", 3000)

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Change 3000")
        table = ui.app.screen.query_one(CommitTable)
        await ui.until(lambda: table.count == 3000)
        await ui.press("G")
        await ui.until_has("Change 1")
        for _ in range(40):
            await ui.press("pageup")
        await ui.idle()
        await ui.until(lambda: f"Change {3000 - table.cursor}" in ui.text)
        assert len(table.entries) < 2500
        await ui.type("/severity:error path:src/part7")
        await ui.until(lambda: 0 < table.count < 100)

    tui(scenario, repo=Repository(home / "many"))
