"""A task's life in the queue."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from maw import api
from maw_remote.queue.records import Claim
from maw_remote.queue.store import Queue
from tests.queue.conftest import Clock, new

KINDS = ["review", "message"]
ERROR = {"code": "worker_lost", "message": "gone"}


def claimed(queue: Queue) -> Claim:
    claim = queue.claim(KINDS)
    assert claim is not None
    return claim


def types(queue: Queue, task: str) -> list[str]:
    story = queue.events(task)
    assert story is not None
    return [event.type for event in story.events]


def test_a_task_is_submitted_claimed_and_finished(queue: Queue) -> None:
    row = queue.submit(new(payload=b'{"diff":"x"}', title="a title")).row
    assert (row.state, row.attempt, row.title) == ("queued", 0, "a title")
    claim = claimed(queue)
    assert (claim.id, claim.attempt, claim.payload) == (row.id, 1, b'{"diff":"x"}')
    assert queue.claim(KINDS) is None
    assert queue.append(claim, [("unit", {"unit": "u"})])
    assert queue.finish(claim, {"v": 1, "answer": 42})
    after = queue.get(row.id)
    assert after is not None and after.state == "done" and after.finished is not None
    assert queue.result(row.seq) == {"v": 1, "answer": 42}
    assert types(queue, row.id) == ["queued", "started", "unit", "done"]


def test_the_done_event_carries_the_result(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    queue.finish(claimed(queue), {"v": 1, "answer": "ä"})
    story = queue.events(task)
    assert story is not None and story.ended
    assert json.loads(story.events[-1].data) == {"result": {"v": 1, "answer": "ä"}}
    assert json.loads(queue.all_events(0)[-1].data) == {"result": {"v": 1, "answer": "ä"}}


def test_equal_keys_join_the_live_task(queue: Queue) -> None:
    first = queue.submit(new("same", priority=10))
    second = queue.submit(new("same", priority=50, keep=True))
    assert (first.joined, second.joined) == (None, "live")
    assert second.row.id == first.row.id
    assert (second.row.waiters, second.row.priority, second.row.keep) == (2, 50, 1)
    claimed(queue)
    assert queue.submit(new("same")).joined == "live"  # while it runs, too
    assert queue.claim(KINDS) is None


def test_a_finished_answer_is_returned_and_fresh_asks_anew(queue: Queue) -> None:
    first = queue.submit(new("same")).row
    queue.finish(claimed(queue), {"v": 1})
    again = queue.submit(new("same"))
    assert (again.joined, again.row.id, again.row.state) == ("answer", first.id, "done")
    fresh = queue.submit(new("same", fresh=True))
    assert fresh.joined is None and fresh.row.id != first.id
    assert queue.submit(new("same", fresh=True)).joined == "live"  # a live task is fresh


def test_who_works_on_a_fresh_task_knows_from_when_on_answers_count(queue: Queue, clock: Clock) -> None:
    queue.submit(new("a"))
    assert claimed(queue).since == 0
    fresh = queue.submit(new("b", fresh=True)).row
    claim = claimed(queue)
    assert claim.since == fresh.created == clock.now
    clock.now += 5
    queue.fail(claim, ERROR, retry=True)  # a second attempt may use what the first has found
    clock.now += 5
    assert claimed(queue).since == fresh.created
    queue.submit(new("c"))
    joined = queue.submit(new("c", fresh=True)).row
    assert claimed(queue).since == joined.created


@pytest.mark.parametrize("end", ["failed", "cancelled", "dead"])
def test_after_a_failure_the_same_key_is_a_new_task(queue: Queue, clock: Clock, end: str) -> None:
    first = queue.submit(new("same")).row
    if end == "cancelled":
        queue.cancel(first.id)
    while (row := queue.get(first.id)) is not None and row.state != end:
        clock.now += 100
        queue.fail(claimed(queue), ERROR, retry=end == "dead")
    again = queue.submit(new("same"))
    assert again.joined is None and again.row.id != first.id and again.row.state == "queued"


def test_claims_go_by_priority_then_age_and_only_for_the_kinds_asked(queue: Queue) -> None:
    ids = [queue.submit(new(str(n), priority=p)).row.id for n, p in enumerate([0, 100, 100, 50])]
    queue.submit(new("other", kind="generate", priority=1000))
    assert [claimed(queue).id for _ in ids] == [ids[1], ids[2], ids[3], ids[0]]
    assert queue.claim(KINDS) is None
    assert queue.claim(["generate"]) is not None


def test_a_changed_priority_counts_and_that_of_an_ended_task_does_not_change(queue: Queue) -> None:
    first, second = (queue.submit(new(key)).row.id for key in "ab")
    assert queue.set_priority(second, 500) is not None
    claim = claimed(queue)
    assert claim.id == second
    queue.finish(claim, {})
    ended = queue.set_priority(second, 7)
    assert ended is not None and ended.priority == 500
    assert queue.set_priority("nope", 7) is None
    assert claimed(queue).id == first


def test_a_crash_is_retried_after_a_growing_pause_and_is_dead_in_the_end(queue: Queue, clock: Clock) -> None:
    task = queue.submit(new()).row.id
    for attempt, pause in ((1, 1.0), (2, 2.0)):
        claim = claimed(queue)
        assert claim.attempt == attempt
        assert queue.fail(claim, ERROR, retry=True) == "queued"
        assert queue.next_run_at(KINDS) == clock.now + pause
        clock.now += pause - 0.01
        assert queue.claim(KINDS) is None
        clock.now += 0.01
    assert queue.fail(claimed(queue), ERROR, retry=True) == "dead"
    row = queue.get(task)
    assert row is not None and row.state == "dead" and json.loads(row.error or "") == ERROR
    assert types(queue, task) == ["queued", "started", "restarted", "started", "restarted", "started", "dead"]


def test_a_clock_that_is_set_back_holds_no_task_up(queue: Queue, clock: Clock) -> None:
    """As of a machine that takes its clock for another time zone's until it has asked the network."""
    queue.submit(new())
    clock.now -= 7200
    claim = claimed(queue)
    queue.give_back(claim)
    clock.now -= 7200
    assert queue.fail(claimed(queue), {"code": "worker_lost"}, retry=True) == "queued"
    assert queue.claim(KINDS) is None  # a pause is still one


def test_the_pause_is_jittered_by_half(open_queue: Callable[..., Queue], clock: Clock) -> None:
    queue = open_queue()
    queue._jitter = lambda: 0.0
    queue.submit(new())
    queue.fail(claimed(queue), ERROR, retry=True)
    assert queue.next_run_at(KINDS) == clock.now + 0.5


def test_bad_input_is_not_retried(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    assert queue.fail(claimed(queue), {"code": "bad_input", "message": "no"}) == "failed"
    assert queue.claim(KINDS) is None
    assert types(queue, task)[-1] == "failed"


def test_a_stale_claim_is_fenced_off(queue: Queue, clock: Clock) -> None:
    task = queue.submit(new()).row.id
    stale = claimed(queue)
    clock.now += 31
    assert queue.expire() == [task]
    fresh = claimed(queue)
    assert fresh.token > stale.token
    assert not queue.finish(stale, {"who": "stale"})
    assert not queue.append(stale, [("unit", {})])
    assert queue.fail(stale, ERROR) is None
    assert not queue.cancelled(stale)
    assert not queue.heartbeat(stale).held
    assert queue.finish(fresh, {"who": "fresh"})
    assert not queue.finish(fresh, {"who": "twice"})
    row = queue.get(task)
    assert row is not None and queue.result(row.seq) == {"who": "fresh"}
    assert types(queue, task) == ["queued", "started", "restarted", "started", "done"]


def test_a_heartbeat_prolongs_the_lease(queue: Queue, clock: Clock) -> None:
    queue.submit(new())
    claim = claimed(queue)
    for _ in range(5):
        clock.now += 20
        assert queue.heartbeat(claim) == (True, None)
        assert queue.expire() == []


def test_cancel_waits_for_the_last_waiter_unless_forced(queue: Queue) -> None:
    task = queue.submit(new("a")).row.id
    queue.submit(new("a"))
    row = queue.cancel(task)
    assert row is not None and (row.state, row.waiters) == ("queued", 1)
    row = queue.cancel(task)
    assert row is not None and row.state == "cancelled"
    other = queue.submit(new("b")).row.id
    queue.submit(new("b"))
    row = queue.cancel(other, force=True)
    assert row is not None and row.state == "cancelled"
    assert queue.cancel("nope") is None
    assert queue.claim(KINDS) is None


def test_a_running_task_is_told_by_its_heartbeat_and_makes_room_at_once(queue: Queue) -> None:
    task = queue.submit(new("same")).row.id
    claim = claimed(queue)
    row = queue.cancel(task, reason="because")
    assert row is not None and (row.state, row.cancel) == ("running", "because")
    assert queue.heartbeat(claim) == (True, "because")
    successor = queue.submit(new("same"))
    assert successor.joined is None
    assert queue.cancelled(claim)
    assert types(queue, task)[-1] == "cancelled"
    row = queue.get(successor.row.id)
    assert row is not None and row.state == "queued"


def test_a_crash_of_a_task_that_was_to_be_cancelled_is_a_cancel(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    claim = claimed(queue)
    queue.cancel(task)
    assert queue.fail(claim, ERROR, retry=True) == "cancelled"


def test_a_cancel_that_comes_too_late_changes_nothing(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    queue.finish(claimed(queue), {})
    row = queue.cancel(task, force=True)
    assert row is not None and row.state == "done"
    assert types(queue, task)[-1] == "done"


def test_a_passed_deadline_cancels_queued_and_running(queue: Queue, clock: Clock) -> None:
    running = queue.submit(new("a", deadline=clock.now + 5)).row.id
    claim = claimed(queue)
    queued = queue.submit(new("b", deadline=clock.now + 5)).row.id
    unhurried = queue.submit(new("c")).row.id
    assert queue.cancel_overdue() == []
    clock.now += 5
    assert [row.id for row in queue.cancel_overdue()] == [running]
    assert queue.cancel_overdue() == []
    assert queue.cancelled(claim)
    story = queue.events(queued)
    assert story is not None and json.loads(story.events[-1].data) == {"reason": "deadline"}
    row = queue.get(unhurried)
    assert row is not None and row.state == "queued"


@pytest.mark.parametrize(("first", "second", "together"), [(5, 9, 9), (9, 5, 9), (5, None, None), (None, 5, None)])
def test_who_joins_may_only_ask_for_more_time(
    queue: Queue, first: float | None, second: float | None, together: float | None
) -> None:
    queue.submit(new(deadline=first))
    assert queue.submit(new(deadline=second)).row.deadline == together


def test_a_retry_is_a_new_task_with_the_same_payload(queue: Queue) -> None:
    first = queue.submit(new("a", payload=b'{"n":7}', title="t")).row
    assert queue.again(first.id, "p2", "b") is None  # it is live
    queue.fail(claimed(queue), ERROR)
    again = queue.again(first.id, "p2", "b")
    assert again is not None and again.joined is None
    assert (again.row.key, again.row.profile, again.row.title) == ("b", "p2", "t")
    assert claimed(queue).payload == b'{"n":7}'
    assert queue.again("nope", "p", "k") is None


@pytest.mark.parametrize(("asked", "before", "now"), [(api.INTERACTIVE, 0, api.INTERACTIVE), (30, 30, 30)])
def test_a_retry_is_as_urgent_as_its_task_was_before_it_gave_way(
    queue: Queue, asked: int, before: int, now: int
) -> None:
    first = queue.submit(new("a", priority=asked)).row
    queue.put_off(first.id)
    queue.finish(claimed(queue), {})
    ended = queue.get(first.id)
    again = queue.again(first.id, "p", "a")
    assert ended is not None and again is not None and again.joined is None
    assert (ended.priority, again.row.priority, again.row.put_off) == (before, now, 0)


def test_an_answer_is_filed_under_the_profile_that_determined_it(queue: Queue) -> None:
    queue.submit(new("old"))
    claim = claimed(queue)
    queue.rekey(claim, "p2", "new")
    queue.finish(claim, {})
    assert queue.submit(new("old")).joined is None
    assert queue.submit(new("new")).joined == "answer"


def test_two_live_tasks_whose_keys_become_equal_both_finish(queue: Queue) -> None:
    queue.submit(new("old"))
    claim = claimed(queue)
    other = queue.submit(new("new")).row.id
    queue.rekey(claim, "p2", "new")
    assert queue.finish(claim, {})
    assert claimed(queue).id == other


def test_pages_and_counts(queue: Queue) -> None:
    ids = [queue.submit(new(str(n), kind="review" if n % 2 else "message")).row.id for n in range(5)]
    queue.cancel(ids[0])
    assert [row.id for row in queue.page(limit=2)] == [ids[4], ids[3]]
    assert [row.id for row in queue.page(limit=2, before=ids[3])] == [ids[2], ids[1]]
    assert [row.id for row in queue.page(kind="review")] == [ids[3], ids[1]]
    assert [row.id for row in queue.page(state="cancelled")] == [ids[0]]
    assert queue.counts() == {"queued": 4, "cancelled": 1}
    assert [row.id for row in queue.live()] == ids[1:]
