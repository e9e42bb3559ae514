"""Wakes event streams, and knows whether any are open. Streams read the queue themselves, so a wake-up can be early
or doubled, and a slow client costs no memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator


class Hub:
    def __init__(self) -> None:
        self._streams: dict[str | None, set[asyncio.Event]] = {}
        self.closing = False

    @contextlib.contextmanager
    def listen(self, task: str | None) -> Iterator[asyncio.Event]:
        """An event that is set whenever `task` (None: any task) has news, and when the hub closes."""
        news = asyncio.Event()
        self._streams.setdefault(task, set()).add(news)
        try:
            yield news
        finally:
            self._streams[task].discard(news)
            if not self._streams[task]:
                del self._streams[task]

    @property
    def streams(self) -> int:
        """Number of open streams."""
        return sum(len(streams) for streams in self._streams.values())

    def wake(self, tasks: Iterable[str]) -> None:
        for task in (*tasks, None):
            for news in self._streams.get(task, ()):
                news.set()

    def close(self) -> None:
        """Let every stream end by itself."""
        self.closing = True
        self.wake([task for task in self._streams if task is not None])
