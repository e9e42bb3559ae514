"""Findings, settled by keys: each decision is a note at once, and can be taken back."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.tui.conftest import NARROW, WIDE, Run, Ui
from tests.tui.picture import check

Sample = tuple[Repository, dict[str, str]]


def said(maw: Maw, repo: Repository) -> dict[str, str]:
    """What the notes say of findings, by title: the last word of each."""
    found = {}
    for line in reversed(
        maw("history", "--kind", "feedback", "--json", "--limit", "0", cwd=repo.path).out.splitlines()
    ):
        row = json.loads(line)
        shown = maw("show", row["commit"], "--json", cwd=repo.path).json
        record = next(each for each in shown["records"] if each["id"] == row["id"])
        found[record["finding"]["title"]] = record["status"] + (f": {record['reason']}" if "reason" in record else "")
    return found


BEFORE = {"Divides by zero for no rows": "accepted", "Lines keep their ends": "dismissed: int() takes blanks"}
BLANK, STYLE, EMPTY = "Fails when there are no rows", "Lines keep their ends", "Divides by zero for no rows"


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_the_picture(tui: Run, sample: Sample, size: tuple[int, int]) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has(EMPTY, "IndexError")
        await ui.press("space")
        await ui.until_has("●", "Divides by zero for no rows", "takes blanks")
        await check("findings", ui)

    tui(scenario, repo=sample[0], size=size, screen="findings")


def test_accepting_is_a_note_at_once_and_undone(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("a")
        await ui.until_has("accepted: 1 finding (u takes it back)")
        await ui.idle()
        assert said(maw, repo) == BEFORE | {BLANK: "accepted"}
        await ui.press("u")
        await ui.until_has("taken back: what was said of 1 finding")
        await ui.idle()
        assert said(maw, repo) == BEFORE

    tui(scenario, repo=repo, screen="findings")


def test_several_are_dismissed_with_a_reason_and_taken_back_together(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("space", "down", "space", "d")
        await ui.until_has("Dismiss: 2 findings")
        await ui.press("escape")
        await ui.until(lambda: not ui.has("Dismiss: 2 findings"))
        await ui.press("d")
        await ui.until_has("Dismiss: 2 findings")
        await ui.type("not here")
        await ui.press("enter")
        await ui.until_has("dismissed: 2 findings")
        await ui.idle()
        assert said(maw, repo) == BEFORE | {BLANK: "dismissed: not here", EMPTY: "dismissed: not here"}
        await ui.press("u")
        await ui.until_has("taken back: what was said of 2 findings")
        await ui.idle()
        assert said(maw, repo) == BEFORE

    tui(scenario, repo=repo, screen="findings")


def test_a_fix_shows_its_patch_first(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, _ = sample
    file = repo.path / "parser.py"
    before = file.read_text()

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("f")
        await ui.until_has("+    return rows[0][1] if rows else None", "-    return rows[0][1]")
        await ui.press("n")
        await ui.idle()
        assert file.read_text() == before
        await ui.press("f")
        await ui.until_has("+    return rows[0][1] if rows else None")
        await ui.press("y")
        await ui.until_has("fixed: 1 finding")
        await ui.idle()

    tui(scenario, repo=repo, screen="findings")
    assert file.read_text() == before.replace("return rows[0][1]", "return rows[0][1] if rows else None")
    assert said(maw, repo) == BEFORE | {BLANK: "fixed"}


def test_one_that_cannot_be_fixed_says_why(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("G", "f")
        await ui.until_has("comes without a replacement")

    tui(scenario, repo=sample[0], screen="findings")


def test_later_and_the_filter_by_what_was_said(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.type("/status:open")
        await ui.press("enter")
        await ui.until(lambda: not ui.has(EMPTY) and ui.has(BLANK))
        await ui.press("m")
        await ui.until_has("no finding that fits")
        await ui.press("slash", "escape")
        await ui.until_has("deferred", STYLE, EMPTY)
        await ui.type("/severity:warning zero")
        await ui.press("enter")
        await ui.until(lambda: ui.has(EMPTY) and not ui.has(BLANK))

    tui(scenario, repo=repo, screen="findings")
    assert said(maw, repo) == BEFORE | {BLANK: "deferred"}


def test_the_command_defers_as_well(sample: Sample, maw: Maw) -> None:
    repo, made = sample
    shown = maw("show", made["float"], "--json", cwd=repo.path).json
    found = next(each for each in shown["records"] if each["kind"] == "review")["findings"][0]["id"]
    assert maw("defer", found, "-m", "after the release", cwd=repo.path).code == 0
    assert said(maw, repo)[BLANK] == "deferred: after the release"
    assert "1 deferred" in maw("history", cwd=repo.path).out
