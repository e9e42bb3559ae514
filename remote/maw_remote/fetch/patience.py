"""How often what may pass is tried again."""

from __future__ import annotations

import time

from maw_remote.engine.sources import CONNECTING, Progress, StoreError

TRIES = 5  # without anything new
TRIES_MAX = 1000  # in all, for a server that gives a few bytes each time
PAUSE_MAX = 30.0  # seconds


class Lost(Exception):
    """The other end went away, or asks to come later (`after` seconds). Trying again may help."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class Patience:
    """Pauses between tries, each twice as long; a try that got something starts the count anew."""

    def __init__(self, pause: float, progress: Progress) -> None:
        self._pause = pause
        self._progress = progress
        self._tries = 0
        self._all = 0

    def lost(self, exc: Lost, *, moved: bool, hint: str) -> None:
        """Wait for the next try. Raises StoreError when there was one too many without anything new."""
        self._tries = 1 if moved else self._tries + 1
        self._all += 1
        if self._tries >= TRIES or self._all >= TRIES_MAX:
            raise StoreError("unreachable", f"{exc} ({self._tries} tries)", hint=hint) from exc
        if not moved:
            self._progress(f"{CONNECTING}, try {self._tries + 1} of {TRIES}", 0, None)
        time.sleep(min(max(self._pause * 2 ** (self._tries - 1), exc.after), PAUSE_MAX))
