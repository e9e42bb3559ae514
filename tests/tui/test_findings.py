"""Findings, settled by keys: each decision is a note at once, and can be taken back."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest

from benchmarks.many_notes import build as many
from maw.attendant import spool
from maw.git.notes import Notes
from maw.record import encode
from maw_tui.screens.findings.table import FindingTable
from maw_tui.screens.history.detail import Detail
from tests.fixtures.attendant import kernel_repo, review_record
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
        await ui.until_has(f"taken back: accepted, {BLANK} (parser.py:17)")
        await ui.idle()
        assert said(maw, repo) == BEFORE

    tui(scenario, repo=repo, screen="findings")


@pytest.mark.slow
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


@pytest.mark.slow
def test_taking_back_is_about_the_last_decision_although_that_is_still_being_written(
    tui: Run, sample: Sample, maw: Maw
) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("A")
        for keys in ("mu", "amuu"):
            for key in keys:
                ui.app.simulate_key(key)  # the next one does not wait
            await ui.until_has("taken back")
            await ui.idle()
            assert said(maw, repo) == BEFORE
            await ui.press("escape")
        assert said(maw, repo) == BEFORE

    tui(scenario, repo=repo, screen="findings")


def test_who_leaves_meanwhile_loses_no_decision(
    tui: Run, sample: Sample, maw: Maw, capfd: pytest.CaptureFixture[str]
) -> None:
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("a")
        await ui.idle()
        ui.app.simulate_key("m")
        while not (any(worker.group == "decide" for worker in ui.app.workers) or ui.has("deferred")):
            await asyncio.sleep(0.001)

    tui(scenario, repo=repo, screen="findings")
    assert said(maw, repo) == BEFORE | {BLANK: "deferred"}
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_what_cannot_be_taken_back_is_taken_back_whole_later(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, _ = sample
    spool = repo.path / ".git" / "maw" / "spool"

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("space", "down", "space", "m")
        await ui.until_has("deferred: 2 findings")
        await ui.idle()
        spool.rename(spool.with_name("away"))
        spool.write_text("")
        await ui.press("u")
        await ui.until_has("File exists")
        await ui.idle()
        spool.unlink()
        spool.with_name("away").rename(spool)
        await ui.press("u")
        await ui.until_has("taken back: what was said of 2 findings")
        await ui.idle()
        assert said(maw, repo) == BEFORE

    tui(scenario, repo=repo, screen="findings")


def test_what_was_said_before_it_failed_is_told_and_taken_back(
    tui: Run, sample: Sample, maw: Maw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a finding among them that a stranger wrote, and a disk that is full after one decision."""
    repo, made = sample
    record = encode(review_record(repo, made["docs"], findings=[{"id": "3f9c", "severity": "error", "path": "a.py"}]))
    assert Notes(kernel_repo(repo)).append("review", made["docs"], [record])
    put = spool.put

    def full(*arguments: object, **options: object) -> None:
        put(*arguments, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(spool, "put", no_room)

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK, "a finding that cannot be read")
        monkeypatch.setattr(spool, "put", full)
        await ui.press("A", "m")
        await ui.until_has("! deferred: 1 finding (u takes it back)", "no finding is called '3f9c'", "No space left")
        await ui.idle()
        monkeypatch.setattr(spool, "put", put)
        assert list(said(maw, repo).values()).count("deferred") == 1
        await ui.press("u")
        await ui.until_has("taken back: deferred, ")
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


def test_dialogs_are_of_use_in_a_very_small_terminal(tui: Run, sample: Sample, maw: Maw) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("open")
        await ui.press("d")
        await ui.until_has("Dismiss: ")
        await ui.type("no")
        await ui.until_has("no")
        await ui.press("enter")
        await ui.until_has("dismissed")
        await ui.press("f")
        await ui.until_has("--- a/parser.py", "y applies it")
        await ui.press("n")

    tui(scenario, repo=sample[0], size=(20, 5), screen="findings")
    assert said(maw, sample[0]) == BEFORE | {BLANK: "dismissed: no"}


def test_one_that_cannot_be_fixed_says_why(tui: Run, sample: Sample) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("G", "f")
        await ui.until_has("comes without a replacement")

    tui(scenario, repo=sample[0], screen="findings")


@pytest.mark.slow
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


def test_what_is_on_a_finding_is_opened_in_the_history_and_escape_comes_back(tui: Run, sample: Sample) -> None:
    repo, made = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("down", "o")
        await ui.until_has("Add a command that prints the total", STYLE, "sys.stdin))")
        detail = ui.app.screen.query_one(Detail)
        assert detail.here is not None and detail.here.finding is not None and detail.here.finding.title == STYLE
        await ui.press("escape")
        await ui.until(lambda: ui.app.current_mode == "findings")
        assert ui.app.screen.query_one(FindingTable).cursor == 1
        await ui.press("1")
        await ui.until_has("Read amounts")  # the list, as it was
        await ui.type("/pass")
        await ui.press("enter", "2", "o")
        await ui.until(
            lambda: detail.commit is not None and detail.commit.oid == made["cli"]
        )  # though the list has not got it

    tui(scenario, repo=repo, screen="findings")


def test_the_commit_of_a_finding_that_cannot_be_read_is_opened(tui: Run, repo: Repository) -> None:
    commit = repo.commit("Written by a stranger")
    strange = {"id": "3f9c", "severity": "error", "path": "a.py"}  # it says nothing
    record = encode(review_record(repo, commit, verdict="block", findings=[strange]))
    assert Notes(kernel_repo(repo)).append("review", commit, [record])

    async def scenario(ui: Ui) -> None:
        await ui.until_has("a finding that cannot be read", "o Commit")
        await ui.until(lambda: not (ui.has("a Accept") or ui.has("space Select")), "keys that do something")
        await ui.press("a")  # it cannot be settled
        await ui.press("o")
        await ui.until(lambda: ui.app.current_mode == "history")
        await ui.until_has(f"commit {commit[:10]}", "Written by a stranger")
        await ui.press("escape")
        await ui.until(lambda: ui.app.current_mode == "findings")

    tui(scenario, repo=repo, screen="findings")


def test_the_commit_of_a_finding_is_gone(tui: Run, sample: Sample) -> None:
    repo, made = sample
    repo.git("update-ref", "refs/heads/main", made["begin"])
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")

    async def scenario(ui: Ui) -> None:
        await ui.until_has(BLANK)
        await ui.press("o")
        await ui.until_has(f"commit {made['float']}", "this commit is gone from the repository", BLANK)
        await ui.press("m")  # and can be settled still
        await ui.until_has("deferred: 1 finding")

    tui(scenario, repo=repo, screen="findings")


@pytest.mark.slow
def test_the_list_goes_on_to_the_last_of_thousands(tui: Run, home: Path) -> None:
    many(home / "many", 9000)

    async def scenario(ui: Ui) -> None:
        await ui.until_has("reading the notes of this repository")
        await ui.until_has("Value 8997 is never checked")
        table = ui.app.screen.query_one(FindingTable)
        await ui.until_has("3,000")
        await ui.press("G")
        await ui.until_has("Value 0 is never checked")
        assert table.cursor == 2999
        for _ in range(120):
            await ui.press("pageup")
        await ui.idle()
        assert len(table.entries) < 2500
        await ui.press("A")
        await ui.until_has("3,000 selected of 3,000")
        await ui.type("/path:src/part7 severity:error")
        await ui.press("enter")
        await ui.until_has("25 selected of 25")
        await ui.press("slash", "escape")
        await ui.until_has("3,000 selected of 3,000")

    tui(scenario, repo=Repository(home / "many"), screen="findings")
