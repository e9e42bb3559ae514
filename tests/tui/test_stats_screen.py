"""The Statistics screen: what is counted, as plots and tables, and narrowed by what is chosen."""

from __future__ import annotations

import shutil

import pytest

from maw.stats.plots import Plot, Series
from maw.times import moment
from maw_tui.widgets.plot import draw
from tests.fixtures.attendant import finding
from tests.fixtures.git import Repository
from tests.stats.test_gather import STATS, note, say
from tests.tui.conftest import NARROW, WIDE, Run, Ui
from tests.tui.picture import check

WEEKS = ["2026-07-06", "2026-07-20", "2026-08-03", "2026-08-17", "2026-08-31", "2026-09-07"]  # before conftest's NOW


@pytest.fixture
def busy(repo: Repository) -> Repository:
    """Six weeks of reviews by two authors and two models, with findings and feedback."""
    for number, week in enumerate(WEEKS):
        who = "Zoë <zoe@example.invalid>" if number % 3 == 0 else "A Tester <tester@example.invalid>"
        repo.write(f"src/part{number % 2}/a.py", f"{number}\n")
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", str(number), "--author", who)
        commit = repo.git("rev-parse", "HEAD")
        for at in range(number + 1):
            bug = finding(f"src/part{number % 2}/a.py", "error" if at % 2 else "warning", id=f"f{number}{at}000000")
            stats = {**STATS, "elapsed_ms": 1000 * (at + 1)}
            more = {"findings": [bug], "verdict": "block" if at % 2 else "warn", "stats": stats}
            note(repo, commit, ts=f"{week}T1{at}:00:00.000Z", model="big" if number == 5 else "tiny", **more)
            if at == 0:
                say(repo, commit, bug, "dismissed" if number % 2 else "accepted", f"{week}T20:00:00.000Z")
    return repo


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_what_is_seen(tui: Run, busy: Repository, size: tuple[int, int]) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("reviews   21", "Reviews a week")
        await ui.idle()
        await check("stats", ui)

    tui(scenario, repo=busy, screen="stats", size=size)


def test_tables_and_plots_take_turns(tui: Run, busy: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("2026-09-07")
        for head in ("category", "severity", "author", "model", "path", "week"):
            await ui.press("l")
            await ui.until(lambda head=head: any(line.startswith(f" {head} ") for line in ui.lines), head)  # type: ignore[misc]
        await ui.press("h")
        await ui.until_has("commits")
        for title in ("Findings a week", "Seconds a review", "Accepted findings", "Tokens a week", "Minutes on nodes"):
            await ui.press("p")
            await ui.until_has(title)

    tui(scenario, repo=busy, screen="stats")


def test_a_row_narrows_what_is_counted_and_escape_widens_it(tui: Run, busy: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("reviews   21")
        await ui.press("l", "l", "l")
        await ui.until_has("Zoë <zoe@", "tokens")  # as many columns as there is room for
        await ui.press("j", "enter")
        await ui.until_has("reviews   5", "all time › Zoë")
        await ui.press("l", "l", "enter")  # its only folder
        await ui.until_has("› src/", "src/part0/", "src/part1/")
        await ui.press("escape", "escape")
        await ui.until_has("reviews   21")
        await ui.press("l", "enter")  # the newest week
        await ui.until_has("week of 2026-09-07", "reviews   6")
        await ui.press("enter")  # it is counted alone already
        await ui.press("l", "enter")  # no row of a category can be
        assert "enter Open" not in ui.lines[-1]
        await ui.press("escape")
        await ui.until_has("reviews   21")

    tui(scenario, repo=busy, screen="stats")


def test_a_span_of_time(tui: Run, busy: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("reviews   21")
        await ui.press("s", "s", "s")
        await ui.until_has("30 days", "reviews   11")

    assert moment("2026-09-21T14:13:20+00:00") == 1_790_000_000
    tui(scenario, repo=busy, screen="stats")


@pytest.mark.slow
def test_words_leave_a_part_and_what_is_chosen_is_remembered(tui: Run, busy: Repository) -> None:
    async def first(ui: Ui) -> None:
        await ui.until_has("reviews   21")
        await ui.press("l", "s")
        await ui.type("/author:zo")
        await ui.until_has("reviews   5")
        await ui.press("enter", "h", "enter")  # the newest week, of what the words leave
        await ui.until_has("week of 2026-08-17", "reviews   4")
        await ui.press("escape", "l")
        await ui.type("/ severity:loud")
        await ui.until_has("! severity: is one of")
        await ui.press("escape")
        await ui.until_has("reviews   21")
        await ui.type("/path:src/part1")
        await ui.press("enter")
        await ui.until_has("reviews   12")

    async def second(ui: Ui) -> None:
        await ui.until_has("a year", "path:src/part1", "reviews   12", " category ")

    tui(first, repo=busy, screen="stats")
    tui(second, repo=busy, screen="stats")


def test_nothing_recorded_no_repository_and_one_that_goes(tui: Run, repo: Repository) -> None:
    async def empty(ui: Ui) -> None:
        await ui.until_has("reviews   0", "nothing recorded")
        shutil.rmtree(repo.path)
        await ui.press("r")
        await ui.until_has("! ")
        assert ui.app.is_running

    async def outside(ui: Ui) -> None:
        await ui.until_has("Statistics are of a repository")
        await ui.press("l", "p", "s", "enter", "escape")

    tui(empty, repo=repo, screen="stats")
    tui(outside, screen="stats")


def test_small_terminals(tui: Run, busy: Repository) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.until_has("reviews   21")
        await ui.resize(20, 5)
        await ui.until_has("Statistics: all")
        await ui.press("l", "p", "j", "enter")
        await ui.resize(*NARROW)
        await ui.until_has("reviews   21")

    tui(scenario, repo=busy, screen="stats")


@pytest.mark.parametrize("width", [15, 20, 43, 80])
@pytest.mark.parametrize("height", [1, 4, 5, 17])
def test_a_plot_keeps_to_its_room(width: int, height: int) -> None:
    weeks = [f"2026-{number:02}-01" for number in range(1, 31)]
    values = [float(number) if number % 7 else None for number in range(30)]
    for stacked in (True, False):
        lines = draw(
            Plot("T", weeks, [Series("a", "good", values), Series("b", "bad", values)], stacked), width, height
        )
        assert len(lines) == height if height > 4 else len(lines) <= max(height, 2)
        assert all(len(line.text) <= width for line in lines[1:])


def test_a_plots_columns_are_as_high_as_their_values() -> None:
    plot = Plot("T", ["2026-01-05"] * 4, [Series("a", "good", [0.0, 5.0, 10.0, 0.1]), Series("b", "bad", [0, 5, 0, 0])])
    columns = list(zip(*(line.text[7:].ljust(24) for line in draw(plot, 31, 13)[1:-2]), strict=True))
    assert ["".join(columns[at]).strip() for at in (0, 6, 12, 18)] == ["", "▒▒▒▒▒█████", "██████████", "▁"]
