"""The durable queue, at the queue and over the runner's socket."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.rows import Row
from maw import client, reach
from maw_remote.queue.database import SYNCHRONOUS
from maw_remote.queue.records import NewTask
from maw_remote.queue.store import Queue
from tests.fixtures.runner import RunnerProcess

PAYLOAD = b'{"diff":"' + b"x" * 20_000 + b'"}'  # a usual commit
COUNT = 5_000
FINISHED = 100_000
SUBMITS, FINISHES, SLOWER = 2_000, 1_000, 1.5
REQUESTS = 300


def run() -> list[Row]:
    rows = [row for synchronous in SYNCHRONOUS for row in _rates(synchronous)]
    return [*rows, *_backlog(), *_over_the_socket()]


def _rates(synchronous: str) -> list[Row]:
    """Submits, claims with their end, and events a second. What is promised is promised of the default, `normal`;
    `full` waits for the disk at each commit, so its figures are the disk's."""
    judged = synchronous == "normal"
    with _queue(synchronous) as queue:
        submits = _rate(COUNT, lambda number: queue.submit(_task(number)))
        finishes = _rate(COUNT, lambda _: _finish_one(queue))
        queue.submit(_task(COUNT))
        claim = queue.claim(["review"])
        assert claim is not None
        events = _rate(COUNT, lambda number: queue.append(claim, [("unit", {"done": number})]))
    said = f"synchronous={synchronous}"
    return [
        _judged(f"durable submits of 20 kB, {said}", submits, SUBMITS, judged),
        _judged(f"tasks claimed and finished, {said}", finishes, FINISHES, judged),
        Row(f"events appended, {said}", events, "", "/s", None),
    ]


def _judged(name: str, measured: float, budget: int, judged: bool) -> Row:
    return Row(name, measured, f"≥ {budget:,}" if judged else "", "/s", measured >= budget if judged else None)


def _backlog() -> list[Row]:
    """What a claim costs beside 100,000 finished tasks, against the same with none, and with 10,000 waiting."""
    with _queue("normal") as queue:
        before = _claims(queue, 1_000)
        for number in range(FINISHED):
            queue.submit(_task(number, b"{}"))
            _finish_one(queue)
        after = _claims(queue, 1_000)
        counting = _median(queue.counts)
        listing = _median(queue.page)
        for number in range(10_000):
            queue.submit(_task(1_000_000 + number, b"{}"))
        waiting = _claims(queue, 1_000)
    slower = after / before
    return [
        Row("a claim, median, nothing finished", before, "", "µs", None),
        Row("a claim, median, 100,000 finished", after, "", "µs", None),
        Row("slower by 100,000 finished tasks", slower, f"≤ {SLOWER:g}", "×", slower <= SLOWER),
        Row("a claim, median, 100,000 finished and 10,000 waiting", waiting, "", "µs", None),
        Row("counts by state at 100,000", counting * 1e3, "", "ms", None),
        Row("first page of the list at 100,000", listing * 1e3, "", "ms", None),
    ]


def _over_the_socket() -> list[Row]:
    """A submit of 20 kB to its durable acknowledgement, by a client that connects anew each time."""
    runner = RunnerProcess().start()
    try:
        times = sorted(_timed(lambda number=number: _submit(number)) * 1e3 for number in range(REQUESTS))  # type: ignore[misc]
    finally:
        runner.stop()
    return [
        Row("submit to acknowledgement on the runner's socket, p50", statistics.median(times), "", "ms", None),
        Row("submit to acknowledgement on the runner's socket, p95", times[int(REQUESTS * 0.95)], "", "ms", None),
    ]


@contextmanager
def _queue(synchronous: str) -> Iterator[Queue]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-queue-") as folder:
        queue = Queue.open(os.path.join(folder, "queue.db"), synchronous=synchronous)
        try:
            yield queue
        finally:
            queue.close()


def _task(number: int, payload: bytes = PAYLOAD) -> NewTask:
    return NewTask("review", "profile", str(number), payload)


def _finish_one(queue: Queue) -> None:
    claim = queue.claim(["review"])
    assert claim is not None
    assert queue.finish(claim, {"v": 1, "findings": []})


def _claims(queue: Queue, count: int) -> float:
    """The median of so many claims, in µs; the queue is left as it was, but for more finished tasks."""
    times = []
    for number in range(count):
        queue.submit(_task(10_000_000 + number, b"{}")._replace(priority=1000, fresh=True))
        started = time.perf_counter()
        claim = queue.claim(["review", "message"])
        times.append(time.perf_counter() - started)
        assert claim is not None
        queue.finish(claim, {})
    return statistics.median(times) * 1e6


def _submit(number: int) -> None:
    payload = {"echo": number, "text": "x" * 20_000}
    client.submit(reach.LOCAL, {"kind": "echo", "payload": payload})


def _rate(count: int, work: Callable[[int], object]) -> float:
    started = time.perf_counter()
    for number in range(count):
        work(number)
    return count / (time.perf_counter() - started)


def _median(work: Callable[[], object]) -> float:
    return statistics.median(_timed(work) for _ in range(20))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
