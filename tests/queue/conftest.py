"""A queue on a real file, with a clock that only moves when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maw_remote.queue.base import Settings
from maw_remote.queue.records import NewTask
from maw_remote.queue.store import Queue
from tests.fixtures.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1_700_000_000.0)


@pytest.fixture
def path(home: Path) -> str:
    return str(home / "queue.db")


@pytest.fixture
def open_queue(path: str, clock: Clock) -> Iterator[Callable[..., Queue]]:
    """Opens the same file again and again, as runners with different boot ids do."""
    opened: list[Queue] = []

    def open_one(boot: str = "boot1", **options: object) -> Queue:
        settings = Settings(lease=30, max_attempts=3, backoff=1, backoff_max=60)
        queue = Queue.open(path, boot=boot, settings=settings, clock=clock, jitter=lambda: 1.0, **options)
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(open_queue: Callable[..., Queue]) -> Queue:
    return open_queue()


def new(key: str = "k", **options: object) -> NewTask:
    return NewTask(**({"kind": "review", "profile": "p", "key": key, "payload": b'{"n":1}'} | options))  # type: ignore[arg-type]
