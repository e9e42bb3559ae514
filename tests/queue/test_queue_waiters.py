"""Who waits for a task, and how many come before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from maw_remote.queue.schema import MIGRATIONS
from maw_remote.queue.store import Queue
from tests.queue.conftest import new


def state(queue: Queue, task: str) -> str:
    row = queue.get(task)
    assert row is not None
    return row.state


def test_person_calls_off_all_that_is_theirs_and_nothing_else(queue: Queue) -> None:
    mine = queue.submit(new("mine", client="me")).row.id
    queue.submit(new("mine", client="me"))
    both = queue.submit(new("both", client="me")).row.id
    queue.submit(new("both", client="you"))
    yours = queue.submit(new("yours", client="you")).row.id
    for task in (mine, both, yours):
        queue.cancel(task, waiter=False, client="me")
    assert [state(queue, task) for task in (mine, both, yours)] == ["cancelled", "queued", "queued"]
    queue.cancel(yours, waiter=False, client="me", force=True)
    assert state(queue, yours) == "cancelled"


def test_waiter_who_leaves_is_no_company_any_more(queue: Queue) -> None:
    task = queue.submit(new(client="me")).row.id
    queue.submit(new(client="you"))
    queue.cancel(task, client="you")
    assert state(queue, task) == "queued"
    queue.cancel(task, waiter=False, client="me")
    assert state(queue, task) == "cancelled"


def test_nameless_waiters_count_as_others_for_who_has_a_name(queue: Queue) -> None:
    """They are clients of an older maw: whose they are is not known."""
    task = queue.submit(new()).row.id
    queue.cancel(task, waiter=False, client="me")
    assert state(queue, task) == "queued"
    queue.cancel(task, waiter=False)
    assert state(queue, task) == "cancelled"


def test_work_done_again_belongs_to_who_asked_for_it(queue: Queue) -> None:
    task = queue.submit(new(client="you")).row.id
    queue.cancel(task, client="you")
    again = queue.again(task, "p", "k", "me")
    assert again is not None
    queue.cancel(again.row.id, waiter=False, client="me")
    assert state(queue, again.row.id) == "cancelled"


def test_place_counts_what_runs_and_what_is_more_urgent_or_older(queue: Queue) -> None:
    tasks = [queue.submit(new(str(number))).row.id for number in range(3)]
    urgent = queue.submit(new("urgent", priority=500)).row.id
    assert [queue.ahead(task) for task in (*tasks, urgent)] == [1, 2, 3, 0]
    assert queue.claim(["review"]) is not None
    assert [queue.ahead(task) for task in (*tasks, urgent)] == [1, 2, 3, None]
    queue.cancel(tasks[0], force=True)
    assert [queue.ahead(task) for task in tasks] == [None, 1, 2]
    assert queue.ahead("unknown") is None


def test_queue_of_the_release_before_goes_on(
    open_queue: Callable[..., Queue], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tasks are still there after the upgrade, with waiters that have no name."""
    monkeypatch.setattr("maw_remote.queue.schema.MIGRATIONS", MIGRATIONS[:1])
    Queue.open(path).close()
    monkeypatch.undo()
    with sqlite3.connect(Path(path)) as db:
        db.execute(
            "INSERT INTO task (id, kind, profile, key, state, priority, created, run_at)"
            " VALUES ('old', 'review', 'p', 'k', 'queued', 100, 1, 1)"
        )
        db.execute("INSERT INTO payload VALUES (1, '{}')")
    db.close()
    queue = open_queue()
    joined = queue.submit(new(client="me"))
    assert joined.row.id == "old" and joined.row.waiters == 2
    claim = queue.claim(["review"])
    assert claim is not None and claim.id == "old"
