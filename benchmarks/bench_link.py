"""The way of a hook through link, sshd and gate to a real runner, beside the same processes on that runner's socket.

The runner and its queue are real (benchmarks/program.py); its reviews take no time. "A client" is a process that git's
stub would start: `python -I -S`, maw.client, one new task of 20 KB, its durable acknowledgement, exit. "The hook" is
what git runs: the installed stub, with all that pre-commit does, in a repository with a staged change.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from benchmarks.machines import air_and_pro
from benchmarks.rows import Row
from maw import client, reach, wire
from maw.git.repo import discover
from maw_hooks import install
from tests.fixtures.runner import RunnerProcess

PAIRS = 60
EVENTS = 300
TRANSFER = 20_000_000
ROOT = Path(__file__).resolve().parents[1]
CLIENT = (
    "import gc, os, sys; gc.disable(); sys.path.insert(0, sys.argv[1]); from maw import client; "
    "client.submit(sys.argv[2], {'kind': 'review', 'payload': {'n': sys.argv[3], 'diff': 'x' * 20000}}); os._exit(0)"
)
_numbers = count()
Process = Callable[[str], float]
Request = tuple[str, str, bytes]


def run() -> list[Row]:
    with air_and_pro():
        runner = RunnerProcess("benchmarks.program").start()
        try:
            return [*_clients(), *_hooks(_repository()), _together(), *_event_latency(), *_transfers()]
        finally:
            runner.stop()


def _clients() -> Iterator[Row]:
    return _compared("a client, submit to durable acknowledgement", _client)


def _client(node: str) -> float:
    return _timed([sys.executable, "-I", "-S", "-c", CLIENT, str(ROOT), node, str(next(_numbers))])


def _hooks(repo: Path) -> Iterator[Row]:
    hook = repo / ".git" / "hooks" / "pre-commit"

    def known(node: str) -> float:
        return _timed([str(hook)], cwd=repo, MAW_NODE=node)

    def new(node: str) -> float:
        (repo / "a.py").write_text(f"number = {next(_numbers)}\n" * 500)
        subprocess.run(["git", "add", "a.py"], cwd=repo, check=True)
        return known(node)

    yield from _compared("the hook, answer known to the runner", known)
    yield from _compared("the hook, new change, followed to its end", new, judged=False)


def _repository() -> Path:
    repo = Path(os.environ["HOME"]) / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "a.py").write_text("number = 1\n" * 500)
    subprocess.run(["git", "add", "a.py"], cwd=repo, check=True)
    install.install(discover(str(repo)))
    return repo


def _timed(command: list[str], cwd: Path | None = None, **environment: str) -> float:
    """Milliseconds of one process, which must succeed."""
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000


def _compared(name: str, process: Process, *, judged: bool = True) -> Iterator[Row]:
    """On the socket and over the warm link in turns, so that both see the same load."""
    for node in (reach.LOCAL, "pro"):
        process(node)
    pairs = [(process(reach.LOCAL), process("pro")) for _ in range(PAIRS)]
    direct, linked = (sorted(times) for times in zip(*pairs, strict=True))
    yield Row(f"{name}, on the socket, p50", statistics.median(direct), "", "ms", None)
    yield _row(f"{name}, warm link, p50", statistics.median(linked), 60, "ms", judged)
    yield _row(f"{name}, warm link, p95", linked[int(len(linked) * 0.95)], 120, "ms", judged)
    yield Row(f"{name}, warm link, fastest", linked[0], "", "ms", None)
    ratio = statistics.median(linked) / statistics.median(direct)
    yield _row(f"{name}, warm link against socket", ratio, 1.6, "×", True)


def _row(name: str, measured: float, limit: float, unit: str, judged: bool) -> Row:
    return Row(name, measured, f"≤ {limit:g}" if judged else "", unit, measured <= limit if judged else None)


def _together() -> Row:
    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(_client, "pro") for _ in range(20)]
    failed = sum(future.exception() is not None for future in futures)
    return Row("20 clients at once, failed", failed, "0", "", failed == 0)


def _event_latency() -> Iterator[Row]:
    """From the job's emit (so that the durable event log is in it) to the client."""
    direct, linked = _latency(reach.LOCAL), _latency("pro")
    yield Row("event, sent by the job to received on the socket, p50", direct, "", "ms", None)
    yield Row("event, sent by the job to received over the link, p50", linked, "≤ 2", "ms", linked <= 2)


def _latency(node: str) -> float:
    task = client.submit(node, {"kind": "review", "payload": {"n": next(_numbers), "events": EVENTS}})
    found = client.events(node, task["id"])
    return statistics.median((time.time() - event.data["sent"]) * 1000 for event in found if "sent" in event.data)


def _transfers() -> Iterator[Row]:
    """20 MB into the queue and out of it. JSON and SQLite are in the figures: both ways, so both are shown."""
    floors = {"up": 30, "down": 60}
    task = client.submit("pro", {"kind": "review", "payload": {"n": next(_numbers), "size": TRANSFER}})
    list(client.events("pro", task["id"]))
    for node, by in ((reach.LOCAL, "on the socket"), ("pro", "over the link")):
        speeds = {"up": _best(node, _upload), "down": _best(node, lambda: _download(task["id"]))}
        for way, speed in speeds.items():
            judged = node == "pro"
            text, kept = (f"≥ {floors[way]}", speed >= floors[way]) if judged else ("", None)
            yield Row(f"20 MB {way}, as a task of the runner, {by}", speed, text, "MB/s", kept)


def _upload() -> Request:
    task = {"kind": "review", "payload": {"n": next(_numbers), "diff": "x" * TRANSFER}}
    return "POST", "/api/v1/tasks", json.dumps(task).encode()


def _download(task: str) -> Request:
    return "GET", f"/api/v1/tasks/{task}", b""


def _best(node: str, request: Callable[[], Request]) -> float:
    """MB/s of the best of five: others use the machine, too."""
    best = 0.0
    for _ in range(5):
        asked = request()
        connection = reach.connect(node)
        with connection.sock as sock:
            began = time.perf_counter()
            wire.send_request(sock, *asked)
            assert wire.read_response(connection.reader).status < 300
            best = max(best, TRANSFER / 1e6 / (time.perf_counter() - began))
    return best
