"""What goes on at all nodes, for the screens that show it. It begins when the first of them is opened."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw import api
from maw.watch.board import Picture
from maw.watch.node import Watcher

SAMPLES = 300  # seconds that plots can show


class Sample(NamedTuple):
    """A node in one second: tokens a second, and how many tasks wait."""

    rate: float
    waiting: int


class Live:
    """`watching` says which nodes, and is asked once; listeners are called from the watchers' threads, with the name of
    the node that has news: once, and again after somebody looked."""

    def __init__(self, watching: Callable[[], Sequence[str]]) -> None:
        self._watching = watching
        self._watchers: dict[str, Watcher] = {}
        self._listeners: list[Callable[[str], object]] = []
        self._series: dict[str, deque[Sample]] = {}
        self._sampled = 0.0

    @property
    def nodes(self) -> list[str]:
        return list(self._watchers)

    def start(self) -> None:
        """Begin to watch; does nothing when it has begun."""
        if self._watchers:
            return
        for node in self._watching():
            self._watchers[node] = Watcher(node, lambda node=node: self._tell(node))  # type: ignore[misc]
            self._series[node] = deque(maxlen=SAMPLES)
        for watcher in self._watchers.values():
            watcher.start()

    def stop(self) -> None:
        """At once, though a node may be silent: who leaves does not wait."""
        for watcher in self._watchers.values():
            watcher.stop(wait=False)

    def listen(self, listener: Callable[[str], object]) -> None:
        self._listeners.append(listener)

    def look(self) -> list[Picture]:
        return [watcher.board.look() for watcher in self._watchers.values()]

    def learn(self, node: str, task: api.Task) -> None:
        """What the answer to a request of ours told of a task."""
        self._watchers[node].board.listed([task], whole=False)

    def hurry(self) -> None:
        """Try again now to reach what is away."""
        for watcher in self._watchers.values():
            if watcher.board.away:
                watcher.hurry()

    def sample(self) -> None:
        """Take down how things are; once a second, however many screens ask for it."""
        now = time.monotonic()
        if now - self._sampled < 0.9:
            return
        self._sampled = now
        for picture in self.look():
            self._series[picture.node].append(Sample(picture.rate, picture.count("queued")))

    def series(self, node: str) -> list[Sample]:
        """The seconds so far, the latest last."""
        return list(self._series.get(node, ()))

    def _tell(self, node: str) -> None:
        for listener in self._listeners:
            listener(node)
