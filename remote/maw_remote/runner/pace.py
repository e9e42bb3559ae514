"""When somebody who was refused had better come again: by how long work has taken here. Decisions only."""

from __future__ import annotations

import math

FIRST, LAST = 1, 60  # seconds; a longer wait is more than anybody plans by a mean
UNKNOWN = 5  # seconds, before anything was done
_WEIGHT = 0.2  # of the newest in the mean


class Pace:
    """A mean of how long pieces of work take, in which old ones count less and less."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def took(self, seconds: float) -> None:
        """A piece of work came to its end."""
        self._mean = seconds if self._mean is None else self._mean + _WEIGHT * (seconds - self._mean)

    def wait(self, waiting: int = 1, at_once: int = 1) -> int:
        """In how many seconds those that wait will be done, of which so many are worked on at once."""
        if self._mean is None:
            return UNKNOWN
        return min(max(math.ceil(self._mean * waiting / max(at_once, 1)), FIRST), LAST)
