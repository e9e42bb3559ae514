"""Event streams: order, batching, resume, keep-alive, ends."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from maw import client, paths, reach, wire
from maw.errors import ApiError, NodeError
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually


@contextmanager
def stream(path: str, after: int | str | None = None) -> Iterator[tuple[socket.socket, wire.Reader]]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(paths.runner_socket())
        wire.send_request(sock, "GET", "/api/v1" + path, headers={} if after is None else {"Last-Event-ID": str(after)})
        yield sock, wire.Reader(sock)


def test_events_come_in_order_with_rising_ids_and_the_common_fields(runner: RunnerProcess) -> None:
    task = runner.submit(events=3)["id"]
    events = runner.events(task)
    assert [event.type for event in events] == ["queued", "started", "unit", "unit", "unit", "done"]
    assert [event.data.get("done") for event in events[2:5]] == [1, 2, 3]
    ids = [event.id for event in events]
    assert ids == sorted(set(ids))
    for event in events:
        assert event.data["v"] == 1 and event.data["task"] == task and event.data["ts"].endswith("Z")
    assert events[0].data["priority"] == 100 and events[1].data["attempt"] == 1
    assert events[-1].data["result"]["v"] == 1


def test_a_stream_resumes_after_the_last_event_id(runner: RunnerProcess) -> None:
    task = runner.submit(events=5)["id"]
    whole = runner.events(task)
    for cut in range(len(whole)):
        with stream(f"/tasks/{task}/events", whole[cut].id) as (_, reader):
            assert list(wire.read_events(reader)) == whole[cut + 1 :]


def test_resuming_after_the_end_ends_at_once(runner: RunnerProcess) -> None:
    task = runner.submit()["id"]
    last = runner.events(task)[-1].id
    with stream(f"/tasks/{task}/events", last) as (_, reader):
        assert list(wire.read_events(reader)) == []


@pytest.mark.parametrize("odd", ["x", "-1", "1.5", "9" * 30])
def test_an_odd_last_event_id_is_refused(runner: RunnerProcess, odd: str) -> None:
    task = runner.submit()["id"]
    for path in (f"/tasks/{task}/events", "/events"):
        with stream(path, odd) as (_, reader):
            assert wire.read_response(reader).status == 400


def test_text_is_batched_and_none_of_it_is_lost(runner: RunnerProcess) -> None:
    task = runner.submit(texts=400, text_pause=0.001, events=1)["id"]
    events = runner.events(task)
    texts = [event for event in events if event.type == "text"]
    assert "".join(event.data["text"] for event in texts) == "".join(f"{number} " for number in range(400))
    assert 1 < len(texts) < 100
    # What follows the text comes after all of it.
    assert [event.type for event in events[-3:]] == ["text", "unit", "done"]


def test_the_stream_of_all_tasks_has_new_events_only_and_resumes(runner: RunnerProcess) -> None:
    runner.wait(runner.submit(echo="old")["id"])
    with stream("/events") as (_, reader):
        first = runner.submit(echo=1)["id"]
        second = runner.submit(echo=2)["id"]
        events = wire.read_events(reader)
        seen = [next(events) for _ in range(6)]
    assert {event.data["task"] for event in seen} == {first, second}
    assert sorted(event.type for event in seen) == ["done", "done", "queued", "queued", "started", "started"]
    with stream("/events", seen[1].id) as (_, reader):
        events = wire.read_events(reader)
        assert [next(events) for _ in range(4)] == seen[2:]


def test_a_silent_stream_is_kept_alive(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(keep_alive=0.05)
    task = runner.submit(wait_for="go")["id"]
    with stream(f"/tasks/{task}/events") as (_, reader):
        for _ in range(3):
            while reader.line() != b": keep-alive":
                pass
    runner.release("go")


@pytest.mark.slow
def test_a_stream_is_kept_alive_no_oftener_than_that_is_needed(runner_process: RunnerProcess) -> None:
    """Though its runner looks after it every second."""
    runner = runner_process.start(keep_alive=2.0)
    task = runner.submit(wait_for="go")["id"]
    began = time.monotonic()
    with stream(f"/tasks/{task}/events") as (_, reader):
        while reader.line() != b": keep-alive":
            pass
        assert time.monotonic() - began >= 2
    runner.release("go")


def test_many_streams_of_one_task_all_see_all(runner_process: RunnerProcess) -> None:
    """More than a process may have files until it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(os.listdir("/dev/fd")) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        runner = runner_process.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    task = runner.submit(wait_for="go", events=20)["id"]
    streams = [client.events(reach.LOCAL, task, deadline=time.monotonic() + 40) for _ in range(few)]
    first = [next(events) for events in streams]
    runner.release("go")
    rest = [list(events) for events in streams]
    assert all(event == first[0] for event in first)
    assert all(events == rest[0] for events in rest) and len(rest[0]) == 22


def test_a_client_that_comes_back_misses_nothing_across_a_restart_of_the_runner(runner: RunnerProcess) -> None:
    task = runner.submit(events=2, wait_for="go")["id"]
    events = client.events(reach.LOCAL, task, deadline=time.monotonic() + 30)
    seen = [next(events) for _ in range(4)]
    runner.kill()
    runner.release("go")
    runner.start()
    seen += events
    assert [event.type for event in seen] == [
        "queued", "started", "unit", "unit", "restarted", "started", "unit", "unit", "done",
    ]  # fmt: skip
    assert seen[4].data["attempt"] == 2
    ids = [event.id for event in seen]
    assert ids == sorted(set(ids))


def test_streams_end_by_themselves_when_the_runner_stops(runner: RunnerProcess) -> None:
    task = runner.submit(wait_for="never")["id"]
    with stream(f"/tasks/{task}/events") as (_, reader), stream("/events") as (_, others):
        events = wire.read_events(reader)
        assert [next(events).type, next(events).type] == ["queued", "started"]
        started = time.monotonic()
        assert runner.stop() == 0
        assert list(events) == []  # a last chunk, not a cut
        assert {event.data["task"] for event in wire.read_events(others)} <= {task}
        assert time.monotonic() - started < 10


def test_a_stream_that_is_left_is_forgotten(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(grace=0.2, tick=0.02)
    task = runner.submit(wait_for="never")["id"]
    with stream(f"/tasks/{task}/events") as (_, reader):
        assert next(wire.read_events(reader)).type == "queued"
        time.sleep(0.5)  # longer than the grace: somebody watches
        assert runner.request("GET", "/tasks?state=running")["tasks"]
    eventually(lambda: runner.request("GET", "/tasks?state=cancelled")["tasks"])


def test_events_of_an_unknown_task_are_a_404(runner: RunnerProcess) -> None:
    with pytest.raises(ApiError) as caught:
        list(client.events(reach.LOCAL, "nope"))
    assert caught.value.status == 404


def test_a_task_that_waits_is_told_how_many_come_first(runner: RunnerProcess) -> None:
    """Told when it changes, without an id, on the task's own stream; nothing of it is kept."""
    runner.wait(runner.submit(wait_for="go")["id"], "running")
    runner.submit(wait_for="go", number=2)
    third = runner.submit(number=3)["id"]
    told = []
    for event in client.events(reach.LOCAL, third, deadline=time.monotonic() + 30):
        told.append((event.type, event.data.get("ahead"), bool(event.id)))
        if event.type == "waiting":
            runner.release("go")
    assert told[:2] == [("queued", None, True), ("waiting", 2, False)]
    assert [entry for entry in told if entry[0] != "waiting"][-1] == ("done", None, True)
    assert [event.type for event in runner.events(third)] == ["queued", "started", "done"]


def test_who_hangs_up_waits_for_nothing_and_may_ask_again(runner: RunnerProcess) -> None:
    """A stream that would be resumed, and an answer of a runner that is silent."""
    task = runner.submit(wait_for="never")["id"]
    came, told = Event(), []

    def follow() -> None:
        try:
            for _ in client.events(reach.LOCAL, task):
                came.set()
        except NodeError as exc:
            told.append(exc.code)

    def ask() -> None:
        try:
            client.submit(reach.LOCAL, {"kind": "echo", "payload": {}}, timeout=600)
        except NodeError as exc:
            told.append(exc.code)

    threads = [Thread(target=follow), Thread(target=ask)]
    threads[0].start()
    assert came.wait(30)
    os.kill(runner.pid, signal.SIGSTOP)
    try:
        threads[1].start()
        eventually(lambda: (reach.hang_up(), not any(thread.is_alive() for thread in threads))[1])
    finally:
        os.kill(runner.pid, signal.SIGCONT)
    assert told == ["lost", "lost"]
    assert runner.task(task)["state"] == "running"
