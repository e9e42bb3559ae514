"""`maw queue` and `maw status` against a real runner."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from maw import client, paths, reach, wire
from maw.cli.failure import run
from maw.cli.main import maw
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually


def cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(maw, list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_list_shows_what_runs_and_waits_and_with_all_the_rest(
    runner: RunnerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(capsys, "queue")[:2] == (0, "")
    done = runner.submit(echo=1, title="done one")["id"]
    runner.wait(done)
    running = runner.submit(wait_for="go", title="running \x1b[31mone")["id"]
    runner.wait(running, "running")
    waiting = runner.submit(echo=2, title="waiting one")["id"]
    code, out, _ = cli(capsys, "queue")
    assert code == 0 and [line.split()[:3] for line in out.splitlines()] == [
        [running, "running", "echo"],
        [waiting, "queued", "echo"],
    ]
    assert "\x1b" not in out and "waiting one" in out
    assert done in cli(capsys, "queue", "list", "--all")[1]
    listed = json.loads(cli(capsys, "queue", "list", "--state", "done", "--json")[1])
    assert listed["v"] == 1 and [task["id"] for task in listed["tasks"]] == [done]
    runner.release("go")


def test_cancel_by_the_start_of_an_id(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    task = runner.submit(wait_for="never")["id"]
    code, out, err = cli(capsys, "queue", "cancel", task[:8])
    assert (code, out) == (0, "") and task in err
    runner.wait(task, "cancelled")
    done = runner.submit(echo=1)["id"]
    runner.wait(done)
    assert "had ended already: done" in cli(capsys, "queue", "cancel", done)[2]


def test_cancel_leaves_what_others_wait_for_unless_forced(
    runner: RunnerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    task = runner.submit(wait_for="never")["id"]
    as_client("theirs")
    runner.submit(wait_for="never")
    runner.wait(task, "running")
    for _ in range(3):  # however often it is typed
        assert "others wait" in cli(capsys, "queue", "cancel", task)[2]
    assert "is being cancelled" in cli(capsys, "queue", "cancel", "--force", task)[2]
    runner.wait(task, "cancelled")


def test_cancel_asks_nobody_else_where_both_waiters_are_ours(
    runner: RunnerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    task = runner.submit(wait_for="never")["id"]
    assert runner.submit(wait_for="never")["id"] == task
    assert "cancel" in cli(capsys, "queue", "cancel", task)[2]
    runner.wait(task, "cancelled")


def test_cancel_leaves_the_one_waiter_who_is_somebody_else(
    runner: RunnerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    as_client("theirs" * 2)
    task = runner.submit(wait_for="go")["id"]
    as_client("ours" * 4)
    code, _, err = cli(capsys, "queue", "cancel", task)
    assert code == 0 and "others wait" in err
    runner.release("go")
    runner.wait(task, "done")


def test_client_without_a_name_is_taken_at_its_word(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """An older maw sends no id: what one client waits for, it cancels, as it did."""
    connection = reach.connect(reach.LOCAL)
    task = runner.submit(wait_for="never")["id"]
    with connection.sock as sock:
        wire.send_request(sock, "DELETE", f"/api/v1/tasks/{task}?waiter=false")
        assert wire.read_response(connection.reader).status == 200
    runner.wait(task, "cancelled")


def as_client(name: str) -> None:
    """Be another account's maw from now on."""
    Path(paths.client_id_file()).write_text(f"{name[:16]:0<16}\n")


def test_being_cancelled_is_said_once(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    task = runner.submit(wait_for="never")["id"]
    cli(capsys, "queue", "cancel", task)
    runner.wait(task, "cancelled")
    assert cli(capsys, "queue", "watch", task)[1].splitlines()[-1].split()[1:] == [task, "cancelled"]


def test_retry_and_bump(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    task = runner.submit(**{"raise": "bad"})["id"]
    runner.wait(task, "failed")
    again = json.loads(cli(capsys, "queue", "retry", task, "--json")[1])
    assert again["id"] != task
    runner.wait(again["id"], "failed")
    runner.submit(wait_for="go")
    waiting = runner.submit(echo=1)["id"]
    assert json.loads(cli(capsys, "queue", "bump", waiting, "--json")[1])["priority"] == 500
    assert cli(capsys, "queue", "retry", waiting)[0] == 2  # it is live
    runner.release("go")
    runner.wait(waiting)


def test_a_retry_runs_to_its_end_though_nobody_watches(
    runner_process: RunnerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    runner_process.start(grace=0.2, tick=0.02)

    def wait_cancelled(task: str) -> None:
        """Without asking for the task itself: whoever asks counts as waiting for it."""
        look = lambda: runner_process.request("GET", "/tasks?state=cancelled")["tasks"]  # noqa: E731
        eventually(look, lambda tasks: task in [row["id"] for row in tasks])

    task = runner_process.submit(wait_for="go")["id"]
    wait_cancelled(task)
    again = json.loads(cli(capsys, "queue", "retry", task, "--json")[1])["id"]
    wait_cancelled(runner_process.submit(echo=2)["id"])  # came later, and its grace has passed
    runner_process.release("go")
    runner_process.wait(again, "done")


def test_an_unknown_id_is_told(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["cancel", "zzz"], ["cancel", "zzzzzzzzzzzz"], ["retry", "zzz"], ["watch", "zzz"]):
        code, out, err = cli(capsys, "queue", *arguments)
        assert code == 2 and out == "" and "zzz" in err and "maw queue list" in err


def test_watch_follows_a_task_to_its_end(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    task = runner.submit(events=2)["id"]
    _, out, _ = cli(capsys, "queue", "watch", task)
    assert [line.split()[2] for line in out.splitlines()] == ["queued", "started", "unit", "unit", "done"]
    _, out, _ = cli(capsys, "queue", "watch", task, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["queued", "started", "unit", "unit", "done"]
    assert all(event["v"] == 1 and event["task"] == task for event in events)


def test_watch_says_when_nothing_goes_on_and_starts_no_runner(runner_process: RunnerProcess) -> None:
    command = [sys.executable, "-m", "maw", "queue", "watch"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None and watch.stderr is not None
        try:
            assert "is not running" in watch.stderr.readline()
            runner_process.start()
            assert "nothing runs and nothing waits" in watch.stderr.readline()
            task = runner_process.submit(echo=1)["id"]
            told = [watch.stdout.readline().split()[1:3] for _ in range(3)]
            assert told == [[task, "queued"], [task, "started"], [task, "done"]]
            runner_process.stop()
            assert "is not running" in watch.stderr.readline()
        finally:
            watch.kill()


def test_all_events_resume_across_a_restart(runner: RunnerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "start_runner", lambda _: None)  # the reader must not be faster, with another program
    events = client.all_events(reach.LOCAL)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(next(events) for _ in range(6)))
    reader.start()
    # The stream has new events only, so it must be open before the first one.
    eventually(lambda: runner.submit(echo=time.monotonic()) and seen)
    runner.kill()
    runner.start()
    eventually(lambda: runner.submit(echo=time.monotonic()) and not reader.is_alive())
    reader.join()
    ids = [event.id for event in seen]
    assert ids == list(range(ids[0], ids[0] + 6))


def test_status(runner: RunnerProcess, capsys: pytest.CaptureFixture[str]) -> None:
    runner.wait(runner.submit(wait_for="go", title="the one")["id"], "running")
    code, out, _ = cli(capsys, "status")
    assert code == 0
    assert f"pid {runner.pid}" in out and "1 running, 0 waiting" in out and "the one" in out
    assert "on this machine" in out and "none loaded" in out
    status = json.loads(cli(capsys, "status", "--json")[1])
    assert status["v"] == 1 and status["tasks"] == {"running": 1} and status["node"] == "local"
    runner.release("go")


def test_a_runner_that_does_not_answer_is_told(home: object, capsys: pytest.CaptureFixture[str]) -> None:
    paths.make_private_dir(paths.runner_dir())
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(paths.runner_socket())
        sock.listen()

        def hang_up() -> None:
            for _ in range(2):  # who looks whether it is there, and who asks
                sock.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        code, out, err = cli(capsys, "status")
        thread.join()
    assert code == 4 and out == "" and "broke" in err
