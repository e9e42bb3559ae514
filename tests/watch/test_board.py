"""What a board makes of lists and events."""

from __future__ import annotations

from typing import Any

import pytest

from maw import api, wire
from maw.errors import NodeError
from maw.watch.board import ENDED_KEPT, SAID_KEPT, Board
from tests.fixtures.clock import Clock

TS = "2026-01-31T12:00:00.000Z"


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def told() -> list[int]:
    return []


@pytest.fixture
def board(clock: Clock, told: list[int]) -> Board:
    return Board("pro", lambda: told.append(1), clock)


def task(name: str, state: Any = "queued", **more: Any) -> api.Task:
    fields = {"kind": "review", "key": "k", "profile": "p", "priority": 100, "attempt": 1, "created": TS, **more}
    return api.Task(id=name, state=state, **fields)


def event(kind: str, name: str = "a", **data: Any) -> wire.Event:
    return wire.Event(1, kind, {"v": 1, "task": name, "ts": TS, **data})


def test_a_task_goes_its_way(board: Board) -> None:
    board.listed([task("a")], whole=True)
    for step in (
        event("started", attempt=1), event("loading", model="m"), event("plan", units=3),
        event("unit", state="done", path="a.py", done=1, total=3), event("text", unit="u2", text="It ", pieces=1),
        event("text", unit="u2", text="fails", pieces=1), event("finding", finding={}),
    ):  # fmt: skip
        assert board.happened(step)
    seen = board.look().tasks[0]
    assert (seen.task.state, seen.model, seen.done, seen.total, seen.path) == ("running", "m", 1, 3, "a.py")
    assert (seen.said, seen.findings, seen.rate) == ("It fails", 1, 2.0)
    result = {"findings": [{}, {}], "stats": {"tokens_per_s": 41.5}}
    board.happened(event("done", result=result))
    seen = board.look().tasks[0]
    assert (seen.task.state, seen.task.finished, seen.findings, seen.rate) == ("done", TS, 2, 41.5)
    assert board.look().rate == 0  # the node's own: nothing runs


def test_an_attempt_that_was_voided_leaves_nothing(board: Board) -> None:
    board.listed([task("a", "running", started=TS)], whole=True)
    for step in (event("text", text="x"), event("finding", finding={}), event("restarted", attempt=2)):
        board.happened(step)
    seen = board.look().tasks[0]
    assert (seen.task.state, seen.task.attempt, seen.said, seen.findings) == ("queued", 2, "", 0)


def test_units_that_speak_at_once_have_their_own_places(board: Board) -> None:
    board.listed([task("a", "running")], whole=True)
    for unit, text in (("u1", "one"), ("u1", " more"), ("u2", "two"), ("u1", "again")):
        board.happened(event("text", unit=unit, text=text))
    assert board.look().tasks[0].said == "one moreagain\ntwo"
    board.happened(event("unit", unit="u2", state="done"))
    assert board.look().tasks[0].said == "two\none moreagain"  # what goes on is last


def test_the_order_is_that_of_the_work(board: Board) -> None:
    board.listed(
        [
            task("old", "done", finished="2026-01-31T11:00:00.000Z"),
            task("late", "failed", finished="2026-01-31T11:30:00.000Z"),
            task("second", created="2026-01-31T12:00:02.000Z"),
            task("first", created="2026-01-31T12:00:01.000Z"),
            task("bumped", priority=500, created="2026-01-31T12:00:03.000Z"),
            task("runs", "running", started=TS),
        ],
        whole=True,
    )
    assert [seen.task.id for seen in board.look().tasks] == ["runs", "bumped", "first", "second", "late", "old"]
    assert board.look().count("queued") == 3


def test_a_whole_list_takes_live_tasks_away_that_are_not_in_it_and_others_do_not(board: Board) -> None:
    board.listed([task("a"), task("b", "done", finished=TS)], whole=True)
    board.listed([task("c")], whole=False)
    assert {seen.task.id for seen in board.look().tasks} == {"a", "b", "c"}
    board.listed([task("c")], whole=True)
    assert {seen.task.id for seen in board.look().tasks} == {"b", "c"}


def test_only_so_much_is_kept(board: Board) -> None:
    ended = [task(f"t{n:04}", "done", finished=f"2026-01-31T12:00:00.{n:03}Z") for n in range(ENDED_KEPT + 50)]
    board.listed([*ended, task("a", "running")], whole=True)
    kept = [seen.task.id for seen in board.look().tasks]
    assert len(kept) == ENDED_KEPT + 1 and kept[0] == "a" and "t0000" not in kept and kept[1] == ended[-1].id
    for _ in range(5):
        board.happened(event("text", text="x" * SAID_KEPT))
    assert SAID_KEPT <= len(board.look().tasks[0].said) <= 2 * SAID_KEPT
    for unit in "abc":
        board.happened(event("text", unit=unit, text="y" * SAID_KEPT))
    assert board.look().tasks[0].said.count("y") == 2 * SAID_KEPT


def test_it_tells_once_until_somebody_looks(board: Board, told: list[int]) -> None:
    board.listed([task("a")], whole=True)
    board.happened(event("started", attempt=1))
    assert told == [1]
    board.look()
    board.happened(event("text", text="x"))
    assert told == [1, 1]


def test_events_of_strangers_are_told_so(board: Board, told: list[int]) -> None:
    assert not board.happened(event("started"))
    assert told == []


def test_a_lost_node_keeps_what_was_known(board: Board) -> None:
    assert not board.look().known
    board.listed([task("a")], whole=True)
    board.lost(NodeError("lost", "gone"), 5.0)
    picture = board.look()
    assert picture.known and picture.away is not None and picture.away.error.message == "gone"
    assert [seen.task.id for seen in picture.tasks] == ["a"]
    board.listed([task("a")], whole=True)
    assert board.look().away is None


@pytest.mark.parametrize(
    "data",
    [{"text": 1}, {"text": None, "pieces": "x"}, {"done": "x", "total": -1}, {"units": 1e300}, {"result": []},
     {"error": [1]}, {"ts": 4}, {"attempt": True}, {"result": {"stats": {"tokens_per_s": "fast"}}}],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["text", "unit", "plan", "done", "failed", "started", "restarted", "loading", "new"])
def test_a_node_may_tell_anything(board: Board, kind: str, data: dict[str, Any]) -> None:
    board.listed([task("a", "running")], whole=True)
    board.happened(wire.Event(1, kind, {"task": "a", **data}))
    assert len(board.look().tasks) == 1


def test_an_end_is_final_however_late_something_from_before_comes(board: Board) -> None:
    board.listed([task("a", "running", started=TS)], whole=True)
    board.happened(event("cancelled"))
    board.listed([task("a", "running", cancelling=True)], whole=False)  # the answer to the cancel, overtaken
    for step in (event("started", attempt=1), event("restarted", attempt=2), event("text", text="late")):
        board.happened(step)
    assert board.look().tasks[0].task.state == "cancelled"


def test_a_rate_ends_with_the_silence(board: Board, clock: Clock) -> None:
    board.listed([task("a", "running")], whole=True)
    board.happened(event("text", text="x" * 40))  # an older runner tells no pieces: by the length
    assert board.look().rate == 10
    clock.now += 0.9
    board.happened(event("text", text="x" * 40))
    assert board.look().rate == 10  # for a second
    clock.now += 0.1
    assert board.look().rate == 20
    clock.now += 60
    assert board.look().rate == 0
