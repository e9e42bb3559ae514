"""A thread that stays with a node: what it does is begun again, after a pause, for as long as it fails."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator

from maw import client, reach, wire
from maw.errors import FatalError, NodeError

FIRST_PAUSE, LAST_PAUSE = 0.5, 10.0  # seconds; doubled each time
_JOIN = 2.0  # seconds that `stop` waits for the thread's end


class Persistent(ABC):
    def __init__(self, node: str) -> None:
        self.node = node
        self._breaker = client.Breaker()
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._pause = FIRST_PAUSE
        self._thread = threading.Thread(target=self._run, name=f"maw-watch-{node}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """End it; what it waits for is broken off, but for a connect, which ends when it ends: `wait` for that, too."""
        self._ended.set()
        self._wake.set()
        self._breaker.trip()
        if wait and self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN)

    def hurry(self) -> None:
        """Try again now."""
        self._pause = FIRST_PAUSE
        self._wake.set()

    @abstractmethod
    def _session(self) -> bool:
        """Do it once; True when there is no more to do. Raises FatalError and OSError."""

    @abstractmethod
    def _failed(self, error: FatalError, again: float) -> None:
        """It is tried again at `again`, a time.monotonic() value."""

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                if self._session():
                    return
                error: FatalError = NodeError("lost", f"the runner of {self.node} stopped")
            except FatalError as exc:
                error = exc
            except OSError as exc:
                error = NodeError("lost", f"{self.node} cannot be asked: {exc}")
            self._rest(error)

    def _rest(self, error: FatalError) -> None:
        pause, self._pause = self._pause, min(2 * self._pause, LAST_PAUSE)
        self._wake.clear()
        if self._ended.is_set():  # asked after the clear, so that no end is slept through
            return
        self._failed(error, time.monotonic() + pause)
        self._wake.wait(pause)

    def _reached(self) -> None:
        """The node answers: the next failure is a first one."""
        self._pause = FIRST_PAUSE

    def _events(self, path: str, after: int | None) -> Iterator[wire.Event]:
        """The events of one connection. Raises NodeError and ApiError."""
        there(self.node)
        return client.follow(self.node, "GET", path, after=after, breaker=self._breaker)


def there(node: str) -> None:
    """Raises NodeError when it is this machine's runner, which does not run: to look at it is no reason to start it."""
    if reach.is_at_rest(node):
        raise reach.at_rest()
