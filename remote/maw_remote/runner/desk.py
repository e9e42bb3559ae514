"""The queue for asyncio: its calls run in order on a thread of their own, so that no disk stalls the loop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from maw_remote.queue.database import is_corrupt
from maw_remote.queue.store import Queue
from maw_remote.runner.hub import Hub

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Calls the queue and wakes the streams of the tasks that got events.

    `on_broken` is called when the file turns out corrupt: then the runner has to end, and the next start mends it.
    """

    def __init__(self, queue: Queue, hub: Hub, on_broken: Callable[[], None]) -> None:
        self.queue = queue
        self._hub = hub
        self._on_broken = on_broken
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._loop = asyncio.get_running_loop()

    async def call(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `method` of the queue. It is done even when the caller is cancelled meanwhile; calls keep their order."""
        return await self._loop.run_in_executor(self._pool, self._work, partial(method, *args, **kwargs))

    def _work(self, method: Callable[[], T]) -> T:
        try:
            return method()
        except sqlite3.DatabaseError as exc:
            log.exception("the queue failed")
            if is_corrupt(exc):
                self.queue.suspect()
                self._loop.call_soon_threadsafe(self._on_broken)
            raise
        finally:
            touched = self.queue.take_touched()
            if touched:
                self._loop.call_soon_threadsafe(self._hub.wake, touched)

    async def close(self) -> None:
        await self.call(self.queue.close)
        self._pool.shutdown()
