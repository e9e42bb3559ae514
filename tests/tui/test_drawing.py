"""Bars, plots, folding, and rows: text that fits whatever a node tells."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("textual", reason="the tui extra")

from rich.cells import cell_len

from maw import api, wire
from maw.errors import NodeError
from maw.review.fold import broken
from maw.review.render import Line
from maw.times import clock
from maw.watch.board import Away, Picture, Seen
from maw_tui.bars import bar, spark
from maw_tui.fold import fit, folded
from maw_tui.glyphs import plain
from maw_tui.screens.queue import words
from maw_tui.screens.queue.entries import Entry, entries
from maw_tui.screens.queue.transcript import Transcript
from maw_tui.widgets.confirm import Confirm
from tests.tui.conftest import Run, Ui

TS = "2026-01-31T12:00:00.000Z"
NOW = 1_790_000_000.0


def seen(state: Any = "running", **more: Any) -> Seen:
    task = {"kind": "review", "key": "k", "profile": "p", "priority": 100, "attempt": 1, "created": TS, **more}
    return Seen("pro", api.Task(id="3f9c00000000", state=state, **task))


def text(lines: Any) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize(
    ("part", "whole", "drawn"),
    [(0, 10, "░░░░"), (5, 10, "██░░"), (10, 10, "████"), (99, 10, "████"), (0.001, 10, "█░░░"), (1, 0, "░░░░")],
)
def test_a_bar_shows_the_share(part: float, whole: float, drawn: str) -> None:
    assert bar(part, whole, 4) == drawn


def test_a_plot_shows_the_last_values_at_the_right() -> None:
    assert spark([0, 4, 8], 5) == "▁▁▁▄█"
    assert spark([1, 2, 3, 4], 2) == "▆█"
    assert spark([1], 3, top=8) == "▁▁▂"
    assert spark([], 3) == "▁▁▁"
    assert spark([0, 0], 2) == "▁▁"
    assert spark([5], 0) == ""
    assert plain(spark([0, 4, 8], 3) + bar(1, 2, 4)).isascii()


def test_no_control_characters_of_a_node_are_drawn() -> None:
    hostile = seen("queued", title="a\x1b[31m", run_at="2026\x1b]0;owned\x07")
    hostile.task.id = "3f9c\x1b[2J"
    assert all(line.isprintable() for line in text(words.detail(Entry("k", "pro\x1b[1m", hostile), 200, 10)))


def test_no_control_characters_are_in_a_question(tui: Run) -> None:
    async def scenario(ui: Ui) -> None:
        await ui.app.push_screen(Confirm("Cancel review 3f9c\x1b[2J?", "Cancel it", "Leave it"))
        await ui.until_has("Cancel review 3f9c\N{REPLACEMENT CHARACTER}[2J?")

    tui(scenario, screen="queue")


@pytest.mark.parametrize("paragraph", [12, 70, 10_000])
def test_lines_of_a_text_that_grows_stay_what_they_are(paragraph: int) -> None:
    """But for the last one, and once in a while all of them."""
    text = "".join("\n" if at % paragraph == paragraph - 1 else chr(97 + at % 26) for at in range(9_000))
    others, before = 0, [""]
    for length in range(3_000, 9_000, 5):
        entry = Entry("k", "pro", Seen("pro", seen().task, spoken=(("", text[:length]),)))
        shown = [line.text for line in words.detail(entry, 20, 10)][-7:]
        assert text[:length].replace("\n", "").endswith("".join(shown))
        others += before[1:-1] != shown[: len(before) - 2] and before[:-1] != shown[: len(before) - 1]
        before = shown
    assert others < 60


@pytest.mark.parametrize("told", ["short", "日本語 and 日本語", "one\ttwo", "x" * 300, "a\x1b[31mb\nc", ""])
def test_folded_text_fits(told: str) -> None:
    for line in folded(told, 12):
        assert cell_len(line.text) <= 12 and "\x1b" not in line.text
    assert cell_len(fit(told.replace("\n", " "), 7)) == 7


@pytest.mark.parametrize("width", [10, 40, 80, 160])
@pytest.mark.parametrize(
    "state", ["running", "queued", "done", "failed", "dead", "cancelled", "something-new-and-much-longer"]
)
def test_a_row_has_one_line_whatever_its_task(state: str, width: int) -> None:
    told = seen(state, title="two\nlines \x1b[2J", error=api.TaskError(code="x", message="a\nb"), started="yesterday?")
    line = words.row(Entry("k", "pro", told), width, NOW, several=True)
    assert "\n" not in line.text and "\x1b" not in line.text
    assert state[:7] in line.text


def test_detail_has_the_end_of_what_is_said_and_why_it_failed() -> None:
    error = api.TaskError(code="model_missing", message="no such model", hint="pull it")
    failed = seen("failed", title="shop abc", error=error, attempt=2)
    assert text(words.detail(Entry("k", "pro", failed), 60, 10)) == [
        "review 3f9c00000000 on pro", "shop abc", "failed, priority 100, attempt 2", "no such model (pull it)",
    ]  # fmt: skip
    speaking = Seen("pro", seen().task, spoken=(("", "".join(f"line {n}\n" for n in range(100)) + "the end"),))
    assert text(words.detail(Entry("k", "pro", speaking), 60, 6))[-3:] == ["line 98", "line 99", "the end"]


def test_nodes_tell_how_they_are() -> None:
    away = Away(NodeError("refused", "refused\x1b"), again=12.0)
    assert words.node_line(Picture("pro", False, None, (), 0), 10, 80).text == "… pro connecting"
    assert words.node_line(Picture("pro", True, away, (seen(),), 0), 10, 80).text == (
        "✗ pro refused\N{REPLACEMENT CHARACTER}; tried again in 2 s (below: as it was)"
    )
    assert words.node_line(Picture("pro", True, None, (seen(),), 41.6), 10, 80).text == (
        "● pro connected, 1 running, 0 waiting, 42 tok/s"
    )
    assert "maw node add" in words.nodes_lines([], 80)[0].text


def test_why_a_node_is_away_is_cut_rather_than_when_it_is_tried_again() -> None:
    away = Away(NodeError("refused", "a long reason " * 10), again=12.0)
    for width, kept in ((80, True), (70, True), (50, False)):
        line = words.node_line(Picture("pro", True, away, (seen(),), 0), 10, width).text
        assert cell_len(line) <= width and "…; tried again in 2 s" in line
        assert ("as it was" in line) == kept


def test_what_ran_on_a_lost_node_is_not_told_as_running_now() -> None:
    away = Away(NodeError("lost", "gone"), again=12.0)
    live, done = entries([Picture("pro", True, away, (seen(title="shop"), seen("done")), 0)], [])
    assert words.row(live, 60, NOW, several=False).text.startswith("? running") and not done.stale
    assert "as it was when its node was lost" in text(words.detail(live, 60, 10))


def test_an_empty_list_says_why() -> None:
    idle, asked = Picture("a", True, None, (), 0), Picture("a", False, None, (), 0)
    away = Picture("b", False, Away(NodeError("no_runner", "no runner runs", hint="start one"), again=12.0), (), 0)
    assert words.empty([idle], "") == words.empty([idle, away], "") == "nothing runs and nothing waits"
    assert (words.empty([asked], ""), words.empty([away], "")) == ("connecting", "no node can be asked")
    assert words.empty([idle], "failed") == "nothing has all of these words"
    assert text(words.nothing([idle, away], "", 60)) == ["b: no runner runs (start one)"]
    assert "takes the filter away" in text(words.nothing([idle], "failed", 80))[0]


def test_entries_of_all_nodes_stand_in_the_order_of_the_work() -> None:
    def picture(node: str, *tasks: Seen) -> Picture:
        return Picture(node, True, None, tasks, 0)

    first = picture("a", seen(), seen("done", finished="2026-01-31T12:00:01.000Z"))
    second = picture("b", seen(), seen("queued"), seen("failed", finished="2026-01-31T12:00:02.000Z"))
    found = entries([first, second], [])
    assert [(entry.node, entry.task.task.state) for entry in found if entry.task] == [
        ("a", "running"), ("b", "running"), ("b", "queued"), ("b", "failed"), ("a", "done"),
    ]  # fmt: skip
    assert [entry.node for entry in entries([first, second], [], "B running")] == ["b"]


def test_a_transcript_folds_what_comes_as_it_would_fold_all_at_once() -> None:
    def event(kind: str, **data: Any) -> wire.Event:
        return wire.Event(1, kind, {"task": "t", "ts": TS, **data})

    story = [
        event("queued", priority=100), event("started", attempt=1), event("text", unit="u1", text="It is \x1b[31m a"),
        event("text", unit="u1", text=" long word\nand more "), event("text", unit="u2", text="another"),
        event("rejected", finding={"unit": "u1", "severity": "info", "path": "a.py", "line": 3, "title": "No"}),
        event("unit", unit="u1", state="done", path="a.py", done=1, total=2), event("text", unit="u2", text=" end"),
        event("done", result={}),
    ]  # fmt: skip
    step_by_step, at_once = Transcript(), Transcript()
    for told in story:
        step_by_step.add(told)
        step_by_step.lines(20)
        at_once.add(told)
    assert text(step_by_step.lines(20)) == text(at_once.lines(20))
    now = clock(TS)
    assert text(at_once.lines(80)) == [
        f"{now}  queued", f"{now}  started", "It is \N{REPLACEMENT CHARACTER}[31m a long word", "and more ",
        f"{now}  rejected  info: a.py:3 No", f"{now}  unit      done a.py (1/2)", "another end", f"{now}  done",
    ]  # fmt: skip


def test_prose_is_broken_below_its_start_and_code_is_not() -> None:
    line = Line(
        (("mark", "  ▌ "), ("dim", "suggestion: "), ("plain", "Return nothing for no rows, which callers expect."))
    )
    found = broken(line, 40)
    assert [part.text for part in found] == [
        "  ▌ suggestion: Return nothing for no",
        "  ▌             rows, which callers",
        "  ▌             expect.",
    ]
    fact = Line((("dim", "  reason: the node could not be reached in time"),))
    assert [part.text for part in broken(fact, 30)] == ["  reason: the node could not", "  be reached in time"]
    code = Line((("dim", "    | "), ("quote", "x" * 90)))
    assert broken(code, 40) == [code]
    assert broken(Line(()), 40) == [Line(())]
