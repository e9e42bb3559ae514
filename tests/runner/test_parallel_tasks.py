"""Several tasks at once, interactive ones first; a queue with a bound; warming."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from maw import client, paths, reach
from maw.errors import ApiError
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually
from tests.runner.test_runner_api import refused


def at_once(count: int) -> None:
    """The engine works on so many requests together."""
    Path(paths.state_dir()).mkdir(parents=True, exist_ok=True)
    (Path(paths.state_dir()) / "parallel").write_text(str(count))


def submit(priority: str, **payload: Any) -> str:
    return str(client.submit(reach.LOCAL, {"kind": "echo", "payload": payload, "priority": priority})["id"])


def started(runner: RunnerProcess) -> list[Any]:
    return [what for verb, _, what in runner.runs() if verb == "start"]


def urgency(runner: RunnerProcess, task: str) -> int:
    """A task's priority, of the list: to ask for the task itself is to wait for it."""
    (found,) = [row for row in runner.request("GET", "/tasks")["tasks"] if row["id"] == task]
    return int(found["priority"])


def test_as_many_tasks_as_the_engine_has_room_for(runner_process: RunnerProcess) -> None:
    at_once(3)
    runner = runner_process.start()
    tasks = [submit("interactive", echo=number, wait_for="go") for number in range(4)]
    eventually(lambda: len(started(runner)) == 3)
    assert runner.task(tasks[3])["state"] == "queued"
    runner.release("go")
    for task in tasks:
        runner.wait(task)


def test_interactive_tasks_begin_beside_background_ones(runner_process: RunnerProcess) -> None:
    at_once(2)
    runner = runner_process.start()
    background = [submit("background", echo=f"b{number}", wait_for="go") for number in range(3)]
    eventually(lambda: len(started(runner)) == 2)
    urgent = [submit("interactive", echo=f"i{number}", wait_for="urgent") for number in range(3)]
    eventually(lambda: len(started(runner)) == 4)
    assert set(started(runner)[2:]) == {"i0", "i1"}
    runner.release("urgent")
    for task in urgent:
        runner.wait(task)
    assert "b2" not in started(runner)
    runner.release("go")
    for task in background:
        runner.wait(task)


def test_who_joins_a_background_task_makes_it_urgent(runner_process: RunnerProcess) -> None:
    at_once(1)
    runner = runner_process.start()
    task = submit("background", echo=1, wait_for="go")
    eventually(lambda: len(started(runner)) == 1)
    assert submit("interactive", echo=1, wait_for="go") == task
    other = submit("interactive", echo=2)
    assert runner.task(other)["state"] == "queued"  # the one place for urgent ones is taken now
    runner.release("go")
    runner.wait(other)


def test_what_nobody_waits_for_gives_way_until_somebody_does(runner_process: RunnerProcess) -> None:
    at_once(1)
    runner = runner_process.start(patience=0.05, tick=0.02)
    task = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "go"}, "keep": True})["id"]
    watched = submit("interactive", echo="watched", wait_for="go")
    stream = client.events(reach.LOCAL, watched)
    next(stream)
    eventually(lambda: urgency(runner, task) == 0)
    eventually(lambda: runner.task(watched)["state"] == "running")  # beside it, though there is room for one
    assert runner.task(watched)["priority"] == 100
    other = client.events(reach.LOCAL, task)
    assert next(other).type == "queued"
    assert urgency(runner, task) == 100
    runner.release("go")
    assert [event.type for event in (*other, *stream)].count("done") == 2


@pytest.mark.parametrize("keep", [False, True])
def test_what_gave_way_is_taken_up_after_a_restart_too(runner_process: RunnerProcess, keep: bool) -> None:
    runner = runner_process.start(patience=0.05, tick=0.02)
    asked = {"kind": "echo", "payload": {"wait_for": "go"}, "keep": keep}
    task = client.submit(reach.LOCAL, asked)["id"]
    eventually(lambda: urgency(runner, task) == 0)
    runner.kill()
    runner.start()
    assert urgency(runner, task) == 0
    stream = client.events(reach.LOCAL, task)
    next(stream)
    assert urgency(runner, task) == 100
    runner.release("go")
    assert [event.type for event in stream][-1] == "done"


@pytest.mark.parametrize("keep", [False, True])
def test_who_asks_for_a_task_waits_for_it(runner_process: RunnerProcess, keep: bool) -> None:
    runner = runner_process.start(patience=0.05, tick=0.02)
    task = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "go"}, "keep": keep})["id"]
    for _ in range(2):  # and its patience starts anew
        eventually(lambda: urgency(runner, task) == 0)
        assert runner.task(task)["priority"] == 100
    runner.request("PATCH", f"/tasks/{task}", {"priority": 0})
    assert runner.task(task)["priority"] == 0  # as it was given by hand
    runner.release("go")


def test_a_priority_given_by_hand_stays(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(patience=0.02, tick=0.02)
    bumped = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "go"}, "keep": True})["id"]
    runner.request("PATCH", f"/tasks/{bumped}", {"priority": 500})
    other = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "go", "n": 2}, "keep": True})["id"]
    eventually(lambda: urgency(runner, other) == 0)
    assert runner.task(bumped)["priority"] == 500
    runner.release("go")


def test_who_shares_the_model_is_told(runner_process: RunnerProcess) -> None:
    at_once(2)
    runner = runner_process.start()
    first = runner.submit(wait_for="go")["id"]
    second = runner.submit(wait_for="second")["id"]
    told = []
    for event in client.events(reach.LOCAL, second, deadline=time.monotonic() + 30):
        if event.type == "sharing":
            told.append((event.data["others"], event.id))
            runner.release("go")
            runner.wait(first)
            if told[-1][0] == 0:
                runner.release("second")
    assert told == [(1, 0), (0, 0)]


def test_a_task_that_gave_way_is_done_later_and_no_attempt_is_counted(runner: RunnerProcess) -> None:
    task = submit("background", **{"echo": 1, "raise": "give way", "until": "calm"})
    eventually(lambda: len(started(runner)) >= 5)
    runner.release("calm")
    done = runner.wait(task)
    assert (done["state"], done["attempt"]) == ("done", 1)


def test_two_hundred_requests_at_once(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(queue_max=20)
    first = submit("interactive", echo="first", wait_for="go")
    eventually(lambda: len(started(runner)) == 1)

    def one(number: int) -> str | ApiError:
        try:
            return submit("interactive", echo=number)
        except ApiError as exc:
            return exc

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(one, range(200)))
    errors = [answer for answer in answers if isinstance(answer, ApiError)]
    assert len(errors) == 180
    assert {(error.status, error.code) for error in errors} == {(503, "busy")}
    assert "20 tasks wait already" in errors[0].message
    body = json.dumps({"kind": "echo", "payload": {"echo": "late"}}).encode()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(paths.runner_socket())
        head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: maw\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        sock.sendall(head % len(body) + body)
        answer = sock.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after: 5\r\n" in answer
    assert submit("interactive", echo="first", wait_for="go") == first  # joining makes the queue no longer
    runner.release("go")
    for task in [first, *(answer for answer in answers if isinstance(answer, str))]:
        runner.wait(task)


def test_what_tasks_will_share_is_warmed(runner: RunnerProcess) -> None:
    assert runner.request("POST", "/warm", {"v": 1, "kind": "echo", "payload": {"rules": "be kind"}})["model"] == "m"
    eventually(lambda: ["warm", runner.pid, ["m", "be kind"]] in runner.runs())
    assert runner.request("POST", "/warm")["model"] == "m"
    assert refused(runner, "POST", "/warm", {"v": 1, "kind": "nothing"}).status == 400
    assert refused(runner, "POST", "/warm", {"v": 1, "kind": "echo", "payload": {"refuse": True}}).status == 400
