"""The commit beside the history: its neighbours, the editor, what is copied and settled there, and what is strange."""

from __future__ import annotations

from pathlib import Path

import pytest

from maw.git.notes import Notes
from maw.git.repo import discover
from maw_tui.screens.history.detail import Detail
from maw_tui.screens.history.table import CommitTable
from tests.fixtures.cli import Maw
from tests.fixtures.git import Repository
from tests.tui.conftest import Run, Ui
from tests.tui.test_history import Sample, listed, maw_note


def test_neighbours_are_found_without_a_record(tui: Run, sample: Sample) -> None:
    repo, made = sample
    repo.commit("Not reviewed")

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Test the total")
        await ui.press("c")
        await ui.until_has("Not reviewed", "nothing is recorded on it")
        await ui.press("p")
        await ui.until_has(f"commit {made['tests']}")
        await ui.press("p")
        await ui.until_has(f"commit {made['docs']}")
        await ui.until(lambda: ui.app.screen.query_one(CommitTable).cursor == 1)  # the list goes along
        await ui.press("c")
        await ui.until_has(f"commit {made['tests']}")
        await ui.press("c")
        await ui.until_has("Not reviewed")
        await ui.press("c")
        await ui.until_has("has no child on the way to HEAD")
        await ui.press("escape")
        await ui.until(lambda: len(listed(ui)) == 5)

    tui(scenario, repo=repo)


def test_the_editor_opens_at_the_line(tui: Run, sample: Sample, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = home / "editor"
    script.write_text(f'#!/bin/sh\necho "$@" > {home}/opened\n')
    script.chmod(0o755)
    monkeypatch.setenv("GIT_EDITOR", str(script))
    repo, _ = sample

    async def scenario(ui: Ui) -> None:
        from textual.app import App

        await ui.until_has("Read amounts")
        await ui.press("e")  # in the list there is no line to open
        assert "e Edit" not in ui.lines[-1]
        await ui.press("down", "down", "enter")
        await ui.until_has("parser.py")
        await ui.press("n")
        monkeypatch.setattr(App, "suspend", _not_suspended)  # a headless terminal cannot be
        await ui.press("e")
        await ui.until(lambda: (home / "opened").exists())

    tui(scenario, repo=repo)
    assert (home / "opened").read_text().split() == ["+17", str(repo.path / "parser.py")]


def test_what_is_cut_off_at_the_right_is_seen_by_going_there(tui: Run, repo: Repository) -> None:
    long = "x = '" + " ".join(f"word{number}" for number in range(60)) + "'"
    maw_note(repo, repo.commit("Long", **{"a.py": f"{long}\nshort = 1\n"}))

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Long")
        await ui.press("enter")
        await ui.until_has("word5")
        assert not ui.has("word11")
        await ui.press("l")
        await ui.until_has("word11")
        await ui.press("down")
        assert ui.has("word11") and not ui.has("word1 ")
        await ui.press("left")
        await ui.until_has("short = 1")

    tui(scenario, repo=repo)


def test_a_merge_says_what_its_diff_is_against(tui: Run, repo: Repository) -> None:
    first = repo.commit("One")
    repo.git("switch", "-q", "-c", "topic")
    other = repo.commit("Two", **{"b.py": "b = 1\n"})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge it", "topic")
    maw_note(repo, repo.git("rev-parse", "HEAD"))

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Merge it")
        await ui.press("enter")
        await ui.until_has(f"merges {other[:10]}; what that changed against {first[:10]} is shown", "b = 1")

    tui(scenario, repo=repo)


def test_keys_are_shown_where_they_act(tui: Run, repo: Repository) -> None:
    async def empty(ui: Ui) -> None:
        await ui.until_has("nothing is recorded yet")
        await ui.press("z", "tab", "y", "p", "c", "e", "a", "enter")
        assert ui.has("nothing is recorded yet")
        assert ui.lines[-1].split() == ["/", "Filter", "?", "Help"]
        await ui.press("2")
        await ui.until_has("nothing was found yet")
        await ui.press("o", "space", "A", "y", "e", "d")
        assert ui.lines[-1].split() == ["/", "Filter", "?", "Help"]

    async def clean(ui: Ui) -> None:
        await ui.until_has("Clean")
        await ui.press("z")  # opens it as well
        await ui.until_has("a = 1")
        assert "n Next finding" not in ui.lines[-1] and "p Parent" in ui.lines[-1]
        await ui.press("n", "right_square_bracket", "right_square_bracket")
        await ui.until_has("no file below")
        await ui.press("escape")
        await ui.until_has("Clean")

    tui(empty, repo=repo)
    maw_note(repo, repo.commit("Clean", **{"a.py": "a = 1\n"}))
    tui(clean, repo=repo, screen="history")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["../outside.py", "/etc/hostname", "a\0b", '"a'])
def test_a_finding_leads_to_no_file_outside(tui: Run, repo: Repository, path: str) -> None:
    from maw import record
    from tests.fixtures.attendant import finding, review_record

    (repo.path.parent / "outside.py").write_text("x\n")
    commit = repo.commit("Strange", **{"a.py": "a = 1\n"})
    data = review_record(repo, commit, findings=[finding(path, replacement="y", title="Elsewhere")])
    assert Notes(discover(str(repo.path))).append("review", commit, [record.encode(data)])

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Strange")
        await ui.press("enter")
        await ui.until_has("Elsewhere")
        await ui.press("n")
        for key in ("e", "f"):
            await ui.press(key)
            await ui.until(lambda: "! " in ui.text and ("not in the work tree" in ui.text or "is no path" in ui.text))
            await ui.press("escape")
            await ui.press("tab", "n")

    tui(scenario, repo=repo)


def test_what_is_copied(tui: Run, sample: Sample) -> None:
    repo, made = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.press("down", "down", "y")
        assert ui.app.clipboard == made["float"]
        await ui.press("enter")
        await ui.until_has("parser.py")
        await ui.press("n", "y")
        assert ui.app.clipboard.startswith("parser.py:17 error: Fails when there are no rows (")
        await ui.until_has("copied: parser.py:17")

    tui(scenario, repo=repo)


def test_findings_are_settled_where_they_are_read(tui: Run, sample: Sample, maw: Maw) -> None:
    repo, made = sample

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Read amounts")
        await ui.press("down", "down", "a", "enter")  # in the list the key does nothing
        await ui.until_has("parser.py")
        assert "a Accept" not in ui.lines[-1]
        await ui.press("n", "down")  # anywhere on the finding
        await ui.until(lambda: "a Accept" in ui.lines[-1])
        await ui.press("d")
        await ui.until_has("Dismiss: Fails when there are no rows")
        await ui.type("never empty")
        await ui.press("enter")
        await ui.until_has("dismissed: 1 finding", "dismissed by A Tester")
        here = ui.app.screen.query_one(Detail).here
        assert here is not None and here.finding is not None and here.finding.title == "Fails when there are no rows"
        await ui.press("2")
        await ui.until_has("dismissed", "never empty")
        await ui.press("u")  # whatever screen it was said on
        await ui.until_has("taken back: dismissed, Fails when there are no rows")
        await ui.press("1")
        await ui.until(lambda: not ui.has("dismissed by A Tester"))
        await ui.press("f")
        await ui.until_has("+    return rows[0][1] if rows else None")
        await ui.press("escape", "escape")
        await ui.until(lambda: len(listed(ui)) == 5)

    tui(scenario, repo=repo)
    assert "1 dismissed" in maw("history", cwd=repo.path).out  # of another
    assert f"{made['float'][:10]}" in maw("history", "--verdict", "block", cwd=repo.path).out


def test_what_a_stranger_wrote_steers_nothing(tui: Run, repo: Repository) -> None:
    from maw import record
    from tests.fixtures.attendant import finding, review_record

    commit = repo.commit("Evil [red]subject[/] \x1b]0;x\x07", **{"a.py": "x = '[bold]\x1b[31m'\n"})
    item = finding("a.py", title="[reverse]t\x1b[2J", scenario="[link=x]\x9b31m", line=1, end_line=1)
    data = review_record(repo, commit, findings=[item])
    assert Notes(discover(str(repo.path))).append("review", commit, [record.encode(data)])

    async def scenario(ui: Ui) -> None:
        await ui.until_has("Evil [red]subject[/]")
        await ui.press("enter")
        await ui.until_has("[bold]", "[reverse]t", "[link=x]")
        assert not set("\x1b\x07\x9b") & set(ui.text)

    tui(scenario, repo=repo)


def _not_suspended(_app: object) -> object:
    import contextlib

    return contextlib.nullcontext()
