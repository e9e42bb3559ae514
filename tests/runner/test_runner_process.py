"""The runner as a process: start, one instance, stop, death, idleness."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, paths, reach, wire
from maw.errors import ApiError, NodeError
from maw_remote import control, logs
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually


def maw_runner(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "maw_remote", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)


def log_lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(paths.runner_dir(), "runner.log").read_text().splitlines()]


@pytest.fixture
def cleanup(home: Path) -> Iterator[None]:
    yield
    control.stop()


def test_killed_with_50_queued_and_one_running_each_finishes_exactly_once(runner: RunnerProcess) -> None:
    running = runner.submit(echo="running", wait_for="go", events=3)["id"]
    runner.wait(running, "running")
    queued = [runner.submit(echo=number)["id"] for number in range(50)]
    runner.kill()
    runner.release("go")
    runner.start()
    for task in [running, *queued]:
        runner.wait(task)
        types = Counter(event.type for event in runner.events(task))
        assert types["done"] == 1 and not {"failed", "cancelled", "dead"} & set(types)
        assert types["restarted"] == (1 if task == running else 0)
    ends = Counter(echo for what, _, echo in runner.runs() if what == "end")
    assert ends == Counter([*range(50), "running"])


@pytest.mark.parametrize("pause", [0.0, 0.003, 0.01, 0.03, 0.06])
def test_killed_at_any_instant_no_accepted_task_is_lost_and_none_is_finished_twice(
    runner: RunnerProcess, pause: float
) -> None:

    accepted = [runner.submit(echo=number, events=2)["id"] for number in range(10)]
    timer = threading.Timer(pause, runner.kill)
    timer.start()
    number = 10
    while timer.is_alive() and number < 500:
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(paths.runner_socket())
                body = json.dumps({"kind": "echo", "payload": {"echo": number}}).encode()
                wire.send_request(sock, "POST", "/api/v1/tasks", body)
                accepted.append(wire.read_response(wire.Reader(sock)).json()["id"])
        except (OSError, wire.Cut):
            break
        number += 1
        time.sleep(0.001)
    timer.join()
    runner.start()
    for task in accepted:
        runner.wait(task)
        assert Counter(event.type for event in runner.events(task))["done"] == 1


@pytest.mark.slow
def test_a_task_that_kills_the_runner_is_dead_after_three_attempts(runner: RunnerProcess) -> None:
    task = runner.submit(**{"raise": "kill"})["id"]
    for _ in range(3):
        assert runner.process is not None
        assert runner.process.wait(20) == 9
        runner.start()
    ended = runner.task(task)
    assert (ended["state"], ended["attempt"], ended["error"]["code"]) == ("dead", 3, "runner_lost")


def test_a_clean_stop_gives_back_what_runs(runner: RunnerProcess) -> None:
    task = runner.submit(echo=1, wait_for="go")["id"]
    runner.wait(task, "running")
    assert runner.stop() == 0
    assert not os.path.exists(paths.runner_socket())
    assert not os.path.exists(os.path.join(paths.runner_dir(), "hello.json"))
    assert not os.path.exists(os.path.join(paths.runner_dir(), "queue.db-wal"))
    runner.release("go")
    runner.start()
    done = runner.wait(task)
    assert done["attempt"] == 1
    assert [event.type for event in runner.events(task)] == ["queued", "started", "restarted", "started", "done"]


def test_the_node_id_stays_and_the_boot_id_is_new(runner: RunnerProcess) -> None:
    first = runner.request("GET", "/status")["hello"]
    runner.stop()
    runner.start()
    second = runner.request("GET", "/status")["hello"]
    assert first["node_id"] == second["node_id"]
    assert first["boot_id"] != second["boot_id"]


@pytest.mark.slow
def test_an_idle_runner_leaves_and_a_busy_one_does_not(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(idle_exit=0.3, tick=0.02)
    task = runner.submit(wait_for="go")["id"]
    assert runner.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        runner.process.wait(1.0)
    runner.release("go")
    assert runner.process.wait(20) == 0
    runner.start(idle_exit=0)
    assert runner.task(task)["state"] == "done"


@pytest.mark.slow
def test_an_open_stream_keeps_an_idle_runner_here(runner_process: RunnerProcess) -> None:
    runner = runner_process.start(idle_exit=2, tick=0.02)  # on a busy machine the stream takes a while to be there
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(paths.runner_socket())
        wire.send_request(sock, "GET", "/api/v1/events")
        assert wire.Reader(sock).line().endswith(b"200 OK")
        assert runner.process is not None
        with pytest.raises(subprocess.TimeoutExpired):
            runner.process.wait(3)
    assert runner.process.wait(20) == 0


@pytest.mark.slow
def test_an_idle_runner_waits_for_what_the_engine_does_by_itself(runner_process: RunnerProcess) -> None:
    Path(paths.make_private_dir(paths.state_dir()), "working").touch()  # a model is being pulled
    runner = runner_process.start(idle_exit=0.3, tick=0.02)
    assert runner.process is not None
    with pytest.raises(subprocess.TimeoutExpired):
        runner.process.wait(1.0)
    Path(paths.state_dir(), "working").unlink()
    assert runner.process.wait(20) == 0


def test_a_second_runner_leaves_the_first_alone(runner: RunnerProcess) -> None:
    second = RunnerProcess().start()
    assert second.process is not None and second.process.wait(20) == 0
    assert runner.request("GET", "/status")["pid"] == runner.pid


def test_a_stale_socket_and_lock_file_are_no_obstacle(runner: RunnerProcess) -> None:
    runner.kill()
    assert os.path.exists(paths.runner_socket())
    assert control.holder() is None
    runner.start()
    assert runner.request("GET", "/status")["pid"] == runner.pid == control.holder()


def test_a_newer_queue_is_refused_by_name(runner: RunnerProcess, cleanup: None) -> None:
    runner.stop()
    db = sqlite3.connect(os.path.join(paths.runner_dir(), "queue.db"))
    db.execute("INSERT INTO migration VALUES ('m999_future', 0)")
    db.commit()
    db.close()
    done = maw_runner("start")
    assert done.returncode == 2
    assert "m999_future" in done.stderr


def test_a_corrupt_queue_is_moved_aside_with_a_line_in_the_log(runner: RunnerProcess) -> None:
    runner.stop()
    path = Path(paths.runner_dir(), "queue.db")
    path.write_bytes(b"garbage" * 1000)
    runner.start()
    runner.wait(runner.submit(echo=1)["id"])
    assert any(line["message"] == "the queue was corrupt and starts anew" for line in log_lines())
    assert list(path.parent.glob("queue.db.corrupt-*"))


def test_a_queue_that_turns_out_to_be_corrupt_is_moved_aside_by_the_next_start(runner: RunnerProcess) -> None:
    """Its runner ends well and leaves no WAL, which is what a start looks at."""
    for number in range(8):
        runner.submit(echo=number, text="x" * 20_000)
    runner.wait(runner.submit(echo="last")["id"])
    runner.stop()
    runner.start()
    path = Path(paths.runner_dir(), "queue.db")
    with open(path, "r+b") as file:
        half = file.seek(0, os.SEEK_END) // 2
        file.seek(half)
        file.write(b"\xff" * half)
    with contextlib.suppress(ApiError, NodeError):
        for task in runner.request("GET", "/tasks")["tasks"]:
            runner.request("POST", f"/tasks/{task['id']}/retry")
    assert runner.process is not None and runner.process.wait(30) == 0
    runner.start()
    runner.wait(runner.submit(echo=1)["id"])
    assert len(list(path.parent.glob("queue.db.corrupt-*"))) == 1
    assert not list(path.parent.glob("*.suspect"))


def test_the_log_holds_no_payload(runner: RunnerProcess) -> None:
    runner.wait(runner.submit(echo="SECRET-CONTENT", title="SECRET-TITLE")["id"])
    runner.stop()
    text = Path(paths.runner_dir(), "runner.log").read_text()
    assert "task ended" in text and "SECRET" not in text


def test_signals_while_it_stops_do_not_cut_the_clean_up_short(runner: RunnerProcess) -> None:
    task = runner.submit(wait_for="never")["id"]
    runner.wait(task, "running")
    assert runner.process is not None
    for _ in range(3):
        runner.process.send_signal(signal.SIGTERM)
    assert runner.process.wait(20) == 0
    assert log_lines()[-1]["requeued"] == [task]


def test_start_stop_and_status_from_the_command_line(cleanup: None) -> None:
    assert maw_runner("stop").stderr == "no runner was running\n"
    assert maw_runner("status").returncode == 4
    started = maw_runner("start")
    assert started.returncode == 0, started.stderr
    pid = control.holder()
    assert f"pid {pid}" in started.stderr and started.stdout == ""
    again = maw_runner("start")
    assert (again.returncode, control.holder()) == (0, pid)
    assert f"pid {pid}" in maw_runner("status").stdout
    status = json.loads(maw_runner("status", "--json").stdout)
    assert status["v"] == 1 and status["running"] is True and status["pid"] == pid
    assert '"listening"' in maw_runner("logs", "-n", "20").stdout
    stopped = maw_runner("stop")
    assert (stopped.returncode, stopped.stderr) == (0, "the runner has stopped\n")
    assert control.holder() is None and not os.path.exists(paths.runner_socket())


def test_many_starts_at_once_make_one_runner(cleanup: None) -> None:
    command = [sys.executable, "-m", "maw_remote", "start"]
    starts = [subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) for _ in range(4)]
    for start in starts:
        assert start.communicate(timeout=60) and start.returncode == 0
    pids = {line["pid"] for line in log_lines() if line["message"] == "listening"}
    assert pids == {control.holder()}


def test_a_client_starts_the_runner_and_git_variables_do_not_reach_it(
    cleanup: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    status = client.request(reach.LOCAL, "GET", "/api/v1/status")
    assert status["pid"] == control.holder()
    environment = Path(f"/proc/{status['pid']}/environ")
    if environment.exists():
        assert b"GIT_DIR" not in environment.read_bytes()
    assert os.getsid(status["pid"]) == status["pid"]  # it outlives our terminal


def test_a_restart_waits_for_the_one_that_leaves(runner: RunnerProcess, cleanup: None) -> None:
    task = runner.submit(wait_for="never", stubborn=1.0)["id"]
    runner.wait(task, "running")
    assert runner.process is not None
    runner.process.send_signal(signal.SIGTERM)
    eventually(lambda: not control.listening())
    assert control.holder() == runner.pid
    assert maw_runner("start").returncode == 0
    assert runner.process.wait(20) == 0
    assert control.holder() not in (None, runner.pid)


def test_state_dir_comes_first_and_names_where_everything_lies(home: Path) -> None:
    elsewhere = str(home / "elsewhere")
    assert maw_runner("--state-dir", elsewhere, "start").returncode == 0
    try:
        assert os.path.exists(os.path.join(elsewhere, "runner", "runner.sock"))
        assert not os.path.exists(paths.runner_dir())
        assert json.loads(maw_runner("--state-dir", elsewhere, "status", "--json").stdout)["state_dir"] == elsewhere
    finally:
        assert maw_runner(f"--state-dir={elsewhere}", "stop").returncode == 0


def test_a_relative_state_dir_is_where_the_command_was_typed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("MAW_STATE_DIR", "here")
    monkeypatch.setenv("MAW_CONFIG", "settings.toml")
    (home / "settings.toml").write_text('roles.manager = "mine"\n')
    command = [sys.executable, "-m", "maw_remote"]
    try:
        assert subprocess.run([*command, "start"]).returncode == 0
        status = json.loads(subprocess.check_output([*command, "status", "--json"]))
        assert status["state_dir"] == str(home / "here") and (home / "here" / "runner" / "runner.sock").exists()
        assert status["settings"]["file"] == str(home / "settings.toml")
    finally:
        assert subprocess.run([*command, "stop"]).returncode == 0


def test_a_path_too_long_for_a_socket_is_refused(home: Path) -> None:
    done = maw_runner("--state-dir", str(home / ("x" * 100)), "start")
    assert done.returncode == 2 and "socket path" in done.stderr and "Traceback" not in done.stderr


def test_start_says_why_it_could_not(home: Path) -> None:
    (home / "state").mkdir()
    (home / "state" / "runner").write_text("in the way")
    done = maw_runner("start")
    assert done.returncode != 0 and done.stderr.strip()


def test_logs_follow_across_rotation(home: Path) -> None:
    path = home / "runner.log"
    path.write_text("one\ntwo\nthree\n")
    assert logs.tail(str(path), 2) == ["two", "three"]
    assert logs.tail(str(home / "none"), 2) == []
    following = logs.follow(str(path))

    def write() -> None:
        with path.open("a") as file:
            file.write("four\n")
        path.rename(home / "runner.log.1")
        path.write_text("five\n")

    timer = threading.Timer(0.05, write)
    timer.start()
    assert [next(following), next(following)] == ["four", "five"]
    timer.join()


@pytest.mark.parametrize("arguments", [["--help"], ["start", "--help"], ["serve", "--help"], ["logs", "--help"]])
def test_help_is_there(arguments: list[str]) -> None:
    done = maw_runner(*arguments)
    assert done.returncode == 0 and "Usage: maw-runner" in done.stdout


@pytest.mark.parametrize("address", [":7722", "localhost", "localhost:http", "localhost:99999"])
def test_serve_listens_only_where_it_is_told_to(home: Path, address: str) -> None:
    done = maw_runner("serve", "--listen", address)
    assert done.returncode == 2 and "not an address" in done.stderr


def test_the_log_rotates_and_stays_private(home: Path) -> None:
    code = (
        "import sys, logging\nfrom maw_remote import logs\n"
        "logs._SIZE = 2000\nlogs.set_up(sys.argv[1], to_stderr=False)\n"
        "[logging.getLogger('x').info('line %d', number) for number in range(200)]"
    )
    subprocess.run([sys.executable, "-c", code, str(home / "runner.log")], check=True)
    files = sorted(home.glob("runner.log*"))
    assert len(files) == 4 and all(path.stat().st_size <= 2000 for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert json.loads((home / "runner.log").read_text().splitlines()[-1])["message"] == "line 199"


def test_connect_imports_nothing_heavy(home: Path) -> None:
    code = (
        "import sys; sys.argv = ['maw-runner', 'connect', '--help-none']\n"
        "import maw_remote.main, maw_remote.gate\n"
        "print(sorted({'click', 'litestar', 'msgspec', 'sqlite3', 'asyncio', 'paramiko'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
