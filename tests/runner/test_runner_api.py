"""The HTTP API of a real runner process."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from maw import client, paths, reach, wire
from maw.errors import ApiError
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually


def raw(request: bytes) -> wire.Response:
    """Send bytes as they are; the answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(paths.runner_socket())
        sock.sendall(request)
        return wire.read_response(wire.Reader(sock))


def refused(runner: RunnerProcess, method: str, path: str, body: dict[str, Any] | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        runner.request(method, path, body)
    return caught.value


def test_a_task_runs_and_its_answer_is_kept(runner: RunnerProcess) -> None:
    task = runner.submit(echo=1, title="a title")
    assert (task["v"], task["state"], task["title"], task.get("joined")) == (1, "queued", "a title", None)
    done = runner.wait(task["id"])
    assert done["result"]["echo"] == 1 and done["result"]["profile"] == task["profile"]
    again = runner.submit(echo=1, title="a title")
    assert (again["id"], again["joined"], again["result"]["echo"]) == (task["id"], True, 1)
    assert len(runner.runs()) == 2  # one start, one end


def test_a_lone_surrogate_in_a_jobs_texts_is_told_as_a_question_mark(runner: RunnerProcess) -> None:
    task = runner.submit(surrogate="result")["id"]
    assert runner.wait(task)["result"]["echo"] == "a ? b \U0001f98a"
    assert [event.data["text"] for event in runner.events(task) if event.type == "text"] == ["a ? b \U0001f98a"]
    failing = runner.submit(surrogate="error")["id"]
    assert runner.wait(failing, "failed")["error"]["message"] == "a ? b \U0001f98a"
    assert len(runner.request("GET", "/tasks")["tasks"]) == 2


def test_equal_work_joins_and_different_work_does_not(runner: RunnerProcess) -> None:
    first = runner.submit(echo=1, wait_for="go")
    assert runner.submit(echo=1, wait_for="go")["id"] == first["id"]
    other = runner.submit(echo=2)
    assert other["id"] != first["id"]
    runner.release("go")
    runner.wait(first["id"])
    runner.wait(other["id"])


def test_201_for_a_new_task_and_200_for_a_joined_one(runner: RunnerProcess) -> None:
    body = json.dumps({"kind": "echo", "payload": {"echo": 1}}).encode()
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: maw\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert [raw(head + body).status for _ in range(2)] == [201, 200]


def test_a_changed_model_makes_it_new_work(runner: RunnerProcess, home: Any) -> None:
    first = runner.submit(echo=1)
    runner.wait(first["id"])
    (home / "state" / "identity").write_text("another model")
    second = runner.submit(echo=1)
    assert second["id"] != first["id"] and second["profile"] != first["profile"]
    assert runner.request("GET", "/status")["hello"]["profiles"]["echo"] == second["profile"]


def test_the_answer_tells_the_profile_that_was_in_force_when_it_ran(runner: RunnerProcess, home: Any) -> None:
    blocker = runner.submit(wait_for="go")
    waiting = runner.submit(echo=1)
    (home / "state" / "identity").write_text("another model")
    runner.release("go")
    done = runner.wait(waiting["id"])
    assert done["profile"] == done["result"]["profile"] != waiting["profile"]
    assert runner.submit(echo=1)["id"] == waiting["id"]  # under today's profile it is the answer
    runner.wait(blocker["id"])


@pytest.mark.parametrize(
    ("raised", "state", "code"),
    [
        ("bad", "failed", "bad_input"),
        ("missing", "failed", "model_missing"),
        ("defect", "failed", "defect"),
        ("no json", "failed", "defect"),
    ],
)
def test_how_a_job_fails_is_told(runner: RunnerProcess, raised: str, state: str, code: str) -> None:
    task = runner.submit(**{"raise": raised})
    ended = runner.wait(task["id"], "failed")
    assert ended["error"]["code"] == code
    last = runner.events(task["id"])[-1]
    assert (last.type, last.data["error"]) == (state, ended["error"])


def test_a_queue_that_cannot_be_written_is_busy_and_takes_nothing_in(runner: RunnerProcess) -> None:
    blocker = runner.submit(wait_for="go")["id"]
    runner.wait(blocker, "running")
    with sqlite3.connect(os.path.join(paths.runner_dir(), "queue.db"), isolation_level=None) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON payload BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        error = refused(runner, "POST", "/tasks", {"kind": "echo", "payload": {"echo": 1}})
        db.execute("DROP TRIGGER full")
    db.close()
    assert (error.status, error.code) == (503, "busy") and "disk full" in error.message
    assert len(runner.request("GET", "/tasks")["tasks"]) == 1
    runner.release("go")
    runner.wait(runner.submit(echo=1)["id"])


def test_a_defect_is_logged_without_its_message(runner: RunnerProcess) -> None:
    runner.wait(runner.submit(**{"raise": "defect"})["id"], "failed")
    log = Path(paths.runner_dir(), "runner.log").read_text()
    assert "KeyError" in log and "program.py" in log
    assert "secret content" not in log


def test_a_crash_is_retried_and_told(runner: RunnerProcess) -> None:
    task = runner.submit(**{"raise": "crash"})
    events = eventually(lambda: runner.request("GET", f"/tasks/{task['id']}"), lambda found: found["attempt"] >= 2)
    assert events["state"] in ("running", "queued")
    assert runner.request("DELETE", f"/tasks/{task['id']}")["state"] in ("cancelled", "running")


def test_a_running_task_is_cancelled(runner: RunnerProcess) -> None:
    task = runner.submit(wait_for="never")
    runner.wait(task["id"], "running")
    runner.request("DELETE", f"/tasks/{task['id']}")
    assert runner.wait(task["id"], "cancelled")["state"] == "cancelled"
    assert [event.type for event in runner.events(task["id"])] == ["queued", "started", "cancelled"]
    assert runner.wait(runner.submit(echo=2)["id"])  # the next one runs


def test_a_task_two_wait_for_survives_one_leaving(runner: RunnerProcess) -> None:
    task = runner.submit(wait_for="go")
    runner.submit(wait_for="go")
    runner.wait(task["id"], "running")
    assert runner.request("DELETE", f"/tasks/{task['id']}")["state"] == "running"
    runner.release("go")
    assert runner.wait(task["id"])["state"] == "done"


def test_force_cancels_whoever_waits(runner: RunnerProcess) -> None:
    task = runner.submit(wait_for="never")
    runner.submit(wait_for="never")
    runner.request("DELETE", f"/tasks/{task['id']}?force=true")
    runner.wait(task["id"], "cancelled")


def test_a_deadline_cancels(runner: RunnerProcess) -> None:
    task = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "never"}, "deadline": 0.2})
    events = runner.events(task["id"])
    assert (events[-1].type, events[-1].data["reason"]) == ("cancelled", "deadline")


def test_a_task_nobody_watches_is_cancelled_but_for_keep(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(grace=0.3, tick=0.02)
    kept = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"wait_for": "go"}, "keep": True})
    lonely = client.submit(reach.LOCAL, {"kind": "generate", "payload": {"wait_for": "never"}})
    # The stream of all tasks does not count as waiting for one.
    page = eventually(lambda: runner.request("GET", "/tasks?state=cancelled")["tasks"])
    assert [task["id"] for task in page] == [lonely["id"]]
    assert runner.events(lonely["id"])[-1].data["reason"] == "nobody waits for it"
    runner.release("go")
    runner.wait(kept["id"])


def test_a_watched_task_outlives_the_grace(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(grace=0.3, tick=0.02, keep_alive=0.1)
    watched = runner.submit(wait_for="go")
    lonely = runner.submit("generate", wait_for="never")
    stream = client.events(reach.LOCAL, watched["id"])
    assert next(stream).type == "queued"
    eventually(lambda: runner.request("GET", "/tasks?state=cancelled")["tasks"])
    runner.release("go")
    assert [event.type for event in stream] == ["started", "done"]
    assert runner.task(lonely["id"])["state"] == "cancelled"


def test_urgent_work_overtakes(runner: RunnerProcess) -> None:
    blocker = runner.submit(wait_for="go")
    runner.wait(blocker["id"], "running")
    last = runner.submit(echo="last")
    urgent = client.submit(reach.LOCAL, {"kind": "echo", "payload": {"echo": "urgent"}, "priority": 200})
    bumped = runner.submit(echo="bumped")
    assert runner.request("PATCH", f"/tasks/{bumped['id']}", {"priority": 300})["priority"] == 300
    runner.release("go")
    for task in (last, urgent, bumped):
        runner.wait(task["id"])
    assert [echo for what, _, echo in runner.runs() if what == "start"] == [None, "bumped", "urgent", "last"]
    assert refused(runner, "PATCH", f"/tasks/{bumped['id']}", {"priority": 1}).status == 409


def test_each_role_works_by_itself(runner: RunnerProcess) -> None:
    blocker = runner.submit(wait_for="go")
    runner.wait(blocker["id"], "running")
    runner.wait(runner.submit("generate", echo=1)["id"])
    runner.release("go")


def test_retry_does_the_work_again(runner: RunnerProcess) -> None:
    task = runner.submit(**{"raise": "bad", "echo": 1})
    assert runner.wait(task["id"], "failed")
    again = runner.request("POST", f"/tasks/{task['id']}/retry")
    assert again["id"] != task["id"] and again["key"] == task["key"]
    runner.wait(again["id"], "failed")
    blocked = runner.submit(wait_for="go")
    assert refused(runner, "POST", f"/tasks/{blocked['id']}/retry").status == 409
    runner.release("go")
    assert refused(runner, "POST", "/tasks/nope/retry").status == 404


def test_lists_are_paged_newest_first(runner: RunnerProcess) -> None:
    ids = [runner.submit(echo=number)["id"] for number in range(5)]
    runner.wait(ids[-1])
    page = runner.request("GET", "/tasks?limit=2")
    assert [task["id"] for task in page["tasks"]] == [ids[4], ids[3]]
    assert "result" not in page["tasks"][0]
    page = runner.request("GET", f"/tasks?limit=3&before={page['next']}")
    assert [task["id"] for task in page["tasks"]] == [ids[2], ids[1], ids[0]] and page["next"] is None
    assert len(runner.request("GET", "/tasks?state=done&kind=echo")["tasks"]) == 5
    assert refused(runner, "GET", "/tasks?limit=0").status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nope", None, 404, "not_found"),
        ("GET", "/tasks/nope", None, 404, "not_found"),
        ("GET", "/tasks/nope/events", None, 404, "not_found"),
        ("DELETE", "/tasks/nope", None, 404, "not_found"),
        ("PUT", "/tasks", {}, 405, "method_not_allowed"),
        ("POST", "/tasks", {"kind": "echo"}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "nope", "payload": {}}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "echo", "payload": {"refuse": 1}}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "echo", "payload": {}, "priority": "urgent"}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "echo", "payload": {}, "priority": 1001}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "echo", "payload": {}, "deadline": -1}, 400, "bad_input"),
        ("POST", "/tasks", {"kind": "echo", "payload": [1]}, 400, "bad_input"),
        ("GET", "/tasks?state=odd", None, 400, "bad_input"),
    ],
)
def test_errors_have_one_shape(
    runner: RunnerProcess, method: str, path: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    error = refused(runner, method, path, body)
    assert (error.status, error.code) == (status, code)
    assert error.message


def test_malformed_json_is_bad_input(runner: RunnerProcess) -> None:
    head = b"POST /api/v1/tasks HTTP/1.1\r\nHost: maw\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    for body in (b"{bad", b'{"kind": "echo", "payload": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"):
        response = raw(head % len(body) + body)
        assert response.status == 400
        assert response.json()["v"] == 1 and response.json()["error"]["code"] == "bad_input"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(runner_process: RunnerProcess) -> None:
    runner_process.start(max_body=1000)
    response = raw(b"POST /api/v1/tasks HTTP/1.1\r\nHost: maw\r\nConnection: close\r\nContent-Length: 1001\r\n\r\n")
    assert response.status == 413
    assert response.json()["error"]["code"] == "too_large"


def test_the_status_tells_what_runs_and_waits(runner: RunnerProcess) -> None:
    running = runner.submit(wait_for="go", title="the one")
    runner.wait(running["id"], "running")
    runner.submit(echo=1)
    status = runner.request("GET", "/status")
    assert status["tasks"] == {"running": 1, "queued": 1}
    assert [(task["id"], task["title"]) for task in status["running"]] == [(running["id"], "the one")]
    assert status["pid"] == runner.pid and status["memory"] > 1_000_000
    assert status["models"][0]["name"] == "none"
    hello = json.loads(Path(paths.runner_dir(), "hello.json").read_text())
    assert status["hello"] == hello and set(hello["profiles"]) == {"echo", "review", "generate"}
    runner.release("go")


def test_warm_answers_at_once_even_when_the_model_is_missing(runner: RunnerProcess) -> None:
    assert runner.request("POST", "/warm") == {"v": 1, "model": "m"}
    assert runner.request("GET", "/status")["pid"] == runner.pid


def test_the_api_describes_itself(runner: RunnerProcess) -> None:
    schema = runner.request("GET", "/openapi.json")
    assert schema["openapi"].startswith("3.")
    assert {"/api/v1/tasks", "/api/v1/tasks/{task_id}/events", "/api/v1/events", "/api/v1/status"} <= set(
        schema["paths"]
    )


def test_only_the_user_can_reach_it(runner: RunnerProcess) -> None:
    assert stat.S_IMODE(os.stat(paths.runner_dir()).st_mode) == 0o700
    for name in os.listdir(paths.runner_dir()):
        assert stat.S_IMODE(os.stat(os.path.join(paths.runner_dir(), name)).st_mode) == 0o600, name


def test_a_large_payload_arrives_whole(runner: RunnerProcess) -> None:
    text = "x" * 20_000_000
    task = runner.submit(echo=text)
    assert runner.wait(task["id"])["result"]["echo"] == text


def test_twenty_at_once_are_all_taken(runner: RunnerProcess) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(runner.submit(echo=n)["id"])) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 20
    for task in answers:
        runner.wait(task)
