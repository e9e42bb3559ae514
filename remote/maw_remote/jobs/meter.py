"""What a task has cost so far."""

from __future__ import annotations

import time
from collections.abc import Callable

from maw_remote.engine.interface import Usage
from maw_remote.jobs.interface import Json


class Meter:
    """Sums over all that was asked. Times in milliseconds since the task began, but for the speed: tokens that were
    answered a second, since the first was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._asked: float | None = None
        self._first_ms = 0.0
        self._prompt = self._cached = self._completion = 0

    def asked(self) -> None:
        """Something is asked of the model."""
        if self._asked is None:
            self._asked = self._clock()

    def spoke(self) -> None:
        """The model says something."""
        self._first_ms = self._first_ms or self._ms()

    def used(self, usage: Usage) -> None:
        self._prompt += usage.prompt_tokens
        self._cached += usage.cached_tokens
        self._completion += usage.completion_tokens

    def stats(self) -> Json:
        """The sums as events and results tell them (docs/protocol.md)."""
        seconds = 0.0 if self._asked is None else self._clock() - self._asked
        return {
            "prompt_tokens": self._prompt,
            "cached_tokens": self._cached,
            "completion_tokens": self._completion,
            "first_token_ms": self._first_ms,
            "elapsed_ms": self._ms(),
            "tokens_per_s": round(self._completion / seconds, 1) if seconds > 0 else 0.0,
        }

    def _ms(self) -> float:
        return round((self._clock() - self._began) * 1000, 1)
