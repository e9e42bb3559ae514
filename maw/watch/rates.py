"""Tokens a second, over the last few seconds."""

from __future__ import annotations

from collections import deque

WINDOW = 3.0  # seconds


class Meter:
    """Counts what comes, and tells how much it is in a second. Times are of one clock, in seconds, and never fall."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._came: deque[tuple[float, int]] = deque()
        self._total = 0
        self._since = 0.0  # when it began to come, after the last silence

    def add(self, now: float, count: int) -> None:
        self._forget(now)
        if not self._came:
            self._since = now
        self._came.append((now, count))
        self._total += count

    def rate(self, now: float) -> float:
        """A second's share of the window; of the time since it began where that is shorter, but a second at least."""
        self._forget(now)
        return self._total / min(self._window, max(now - self._since, 1.0))

    def _forget(self, now: float) -> None:
        while self._came and self._came[0][0] <= now - self._window:
            self._total -= self._came.popleft()[1]
