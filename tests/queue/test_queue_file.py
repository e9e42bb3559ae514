"""The queue as a file: death, restart, corruption, newer schemas, retention, resume."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from maw.errors import FatalError
from maw_remote.queue.schema import MIGRATIONS
from maw_remote.queue.store import Queue
from tests.queue.conftest import Clock, new
from tests.queue.test_queue_tasks import KINDS, claimed, types


def test_what_a_dead_runner_left_running_is_queued_again(open_queue: Callable[..., Queue]) -> None:
    dead = open_queue("boot1")
    task = dead.submit(new()).row.id
    stale = claimed(dead)
    alive = open_queue("boot2")
    assert alive.reap() == [task]
    claim = claimed(alive)
    assert (claim.id, claim.attempt) == (task, 2)
    assert alive.reap() == []  # what we run ourselves is left alone
    assert not dead.finish(stale, {})
    assert types(alive, task) == ["queued", "started", "restarted", "started"]


def test_a_task_that_takes_every_runner_down_is_dead_in_the_end(open_queue: Callable[..., Queue]) -> None:
    task = open_queue("boot0").submit(new()).row.id
    for number in range(3):
        claimed(open_queue(f"boot{number}"))
        queue = open_queue(f"boot{number + 1}")
        queue.reap()
    row = queue.get(task)
    assert row is not None and row.state == "dead"


def test_a_cancel_survives_the_runner(open_queue: Callable[..., Queue]) -> None:
    queue = open_queue("boot1")
    task = queue.submit(new()).row.id
    claimed(queue)
    queue.cancel(task)
    alive = open_queue("boot2")
    alive.reap()
    row = alive.get(task)
    assert row is not None and row.state == "cancelled"


def test_a_clean_stop_gives_back_and_counts_no_attempt(queue: Queue) -> None:
    task = queue.submit(new("a")).row.id
    doomed = queue.submit(new("b")).row.id
    claimed(queue), claimed(queue)
    queue.cancel(doomed)
    assert queue.release_all() == [task, doomed]
    claim = claimed(queue)
    assert (claim.id, claim.attempt, claim.token) == (task, 1, 2)
    assert types(queue, task) == ["queued", "started", "restarted", "started"]
    assert types(queue, doomed)[-1] == "cancelled"


def test_everything_is_there_after_reopening(open_queue: Callable[..., Queue], path: str) -> None:
    queue = open_queue()
    ids = [queue.submit(new(str(n))).row.id for n in range(10)]
    queue.finish(claimed(queue), {"v": 1})
    queue.close()
    assert not os.path.exists(path + "-wal")
    again = open_queue()
    assert [row.id for row in again.live()] == ids[1:]
    assert again.submit(new("0")).joined == "answer"


def test_the_file_is_private(queue: Queue, path: str) -> None:
    queue.submit(new())
    for name in (path, path + "-wal", path + "-shm"):
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600


@pytest.mark.parametrize(("word", "number"), [("normal", 1), ("full", 2)])
def test_the_durability_that_was_asked_for_is_in_force(
    open_queue: Callable[..., Queue], word: str, number: int
) -> None:
    queue = open_queue(synchronous=word)
    assert queue._db.execute("PRAGMA synchronous").fetchone() == (number,)
    assert queue._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_event_ids_rise_over_tasks_attempts_and_retention(queue: Queue, clock: Clock) -> None:
    first = queue.submit(new("a")).row.id
    queue.finish(claimed(queue), {})
    last = queue.last_event()
    clock.now += 10
    assert queue.prune(clock.now) == 1
    assert queue.get(first) is None and queue.events(first) is None
    assert queue.last_event() == last
    second = queue.submit(new("b")).row.id
    story = queue.events(second)
    assert story is not None and story.events[0].id > last


def test_events_resume_after_an_id_and_in_bounded_steps(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    claim = claimed(queue)
    queue.append(claim, [("unit", {"n": n}) for n in range(10)])
    queue.finish(claim, {})
    seen: list[str] = []
    after, ended = 0, False
    while not ended:
        story = queue.events(task, after, limit=4)
        assert story is not None
        ended = story.ended
        seen += [event.type for event in story.events]
        after = story.events[-1].id if story.events else after
    assert seen == ["queued", "started", *["unit"] * 10, "done"]


def test_events_of_a_live_task_have_not_ended(queue: Queue) -> None:
    task = queue.submit(new()).row.id
    story = queue.events(task, after=10_000)
    assert story is not None and story.events == [] and not story.ended


def test_retention_takes_ended_tasks_whole_and_leaves_the_rest(queue: Queue, clock: Clock) -> None:
    for number in range(450):
        queue.submit(new(str(number)))
        queue.finish(claimed(queue), {})
    clock.now += 100
    recent = queue.submit(new("recent")).row.id
    queue.finish(claimed(queue), {})
    queue.submit(new("live"))
    pruned = []
    while count := queue.prune(clock.now - 50):
        pruned.append(count)
    assert sum(pruned) == 450 and max(pruned) <= 200
    assert [row.id for row in queue.page()][1] == recent
    left = {table: queue._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("payload", "result")}
    assert left == {"payload": 2, "result": 1}
    assert {event.task for event in queue.all_events(0)} == {row.id for row in queue.page()}


def test_no_step_of_a_tasks_life_scans_or_sorts_a_table(queue: Queue, clock: Clock) -> None:
    statements: list[str] = []
    queue._db.set_trace_callback(statements.append)
    queue.submit(new("a"))
    queue.submit(new("b", deadline=clock.now))
    claim = claimed(queue)
    queue.heartbeat(claim)
    queue.append(claim, [("unit", {})])
    queue.expire()
    queue.cancel_overdue()
    queue.finish(claim, {})
    queue.next_run_at(KINDS)
    queue.prune(0)
    queue.events(claim.id)
    queue._db.set_trace_callback(None)
    read = {text for text in statements if text.startswith(("SELECT", "UPDATE", "DELETE"))}
    assert len(read) > 10
    for statement in read:
        for row in queue._db.execute("EXPLAIN QUERY PLAN " + statement):
            assert "INDEX" in row[3] or not row[3].startswith("SCAN"), (statement, row[3])
            assert "TEMP B-TREE" not in row[3], (statement, row[3])
            # A search by state would go through all that ended (or through the whole backlog) to find one key.
            assert "WHERE key = " not in statement or "(key=?)" in row[3], (statement, row[3])


def test_migrations_are_recorded_and_run_once(open_queue: Callable[..., Queue]) -> None:
    for _ in range(2):
        queue = open_queue()
        names = [name for (name,) in queue._db.execute("SELECT name FROM migration")]
        assert names == [migration.__name__ for migration in MIGRATIONS]
        assert queue._db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        queue.close()


def test_a_queue_of_the_first_version_goes_on(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("maw_remote.queue.schema.MIGRATIONS", MIGRATIONS[:1])
        Queue.open(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO task (id, kind, profile, key, state, priority, created, run_at)"
                   " VALUES ('t', 'review', 'p', 'k', 'queued', 100, 7.0, 7.0)")  # fmt: skip
        db.execute("INSERT INTO payload VALUES (1, '{}')")
    queue = Queue.open(path)
    claim = claimed(queue)
    assert (claim.id, claim.since) == ("t", 0)
    queue.close()


def test_a_newer_schema_is_refused_by_name_and_left_alone(open_queue: Callable[..., Queue], path: str) -> None:
    queue = open_queue()
    queue.submit(new())
    queue._db.execute("INSERT INTO migration VALUES ('m999_from_the_future', 0)")
    queue._db.execute("PRAGMA user_version = 999")
    queue.close()
    before = Path(path).read_bytes()
    with pytest.raises(FatalError, match="m999_from_the_future") as caught:
        Queue.open(path)
    assert caught.value.hint
    assert Path(path).read_bytes() == before


def test_a_migration_that_fails_changes_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def m002_broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("disk full")

    Queue.open(path).close()
    monkeypatch.setattr("maw_remote.queue.schema.MIGRATIONS", (*MIGRATIONS, m002_broken))
    with pytest.raises(sqlite3.OperationalError):
        Queue.open(path)
    monkeypatch.undo()
    queue = Queue.open(path)
    assert queue._db.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchone() is None
    queue.close()


def test_a_file_that_is_no_database_is_moved_aside(
    open_queue: Callable[..., Queue], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path(path).write_bytes(b"this is not a database" * 100)
    with caplog.at_level(logging.ERROR):
        queue = open_queue()
    queue.submit(new())
    assert claimed(queue)
    assert "corrupt" in caplog.text
    [aside] = Path(path).parent.glob("queue.db.corrupt-*")
    assert aside.read_bytes().startswith(b"this is not a database")


def test_damage_inside_the_file_is_found_after_an_unclean_end(open_queue: Callable[..., Queue], path: str) -> None:
    queue = open_queue()
    for number in range(200):
        queue.submit(new(str(number), payload=b"x" * 2000))
    queue.close()
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(8192)
        file.write(b"\xff" * (size // 2))
    Path(path + "-wal").touch()  # the last owner died
    again = open_queue()
    assert again.page() == []
    again.submit(new())
    assert list(Path(path).parent.glob("queue.db.corrupt-*"))


def test_the_statement_of_every_claim_binds_its_kinds(queue: Queue) -> None:
    queue.submit(new(kind="it's"))
    assert queue.claim(["x') OR 1=1 --"]) is None
    assert queue.claim(["it's"]) is not None
    assert queue.claim(KINDS) is None
