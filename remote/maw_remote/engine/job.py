"""A request as a model's slots take it: tokens, and a run that makes an answer of what comes after them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from maw_remote.engine.interface import Usage
from maw_remote.engine.runs import Run


class Refused(Exception):
    """A request that this model cannot answer. `code` is EngineError's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Job:
    """A request, as tokens. `number` is above 0; `shared`: how many of the tokens other requests have too; `answer`:
    tokens the answer takes at most. Without a run it only asks for its shared tokens to be evaluated. `end` or `fail`
    (code, message) is called at its end."""

    number: int
    tokens: list[int]
    shared: int
    answer: int
    run: Run | None
    end: Callable[[Usage], None]
    fail: Callable[[str, str], None]
    interactive: bool = True
    adapter: str | None = None
    load: Callable[[], bytes | None] | None = None  # the shared tokens' state, from where it was saved
    save: Callable[[bytes], None] | None = None
    began: float = field(default_factory=time.monotonic)
    order: int = 0
    paid: int = 0  # tokens of the shared ones that were evaluated for it
    cached: int = 0  # tokens that did not have to be

    def begins(self, tokens: list[int]) -> bool:
        """Whether these are its first ones."""
        return self.tokens[: len(tokens)] == tokens

    def usage(self) -> Usage:
        """What it cost, now that it is done."""
        now = time.monotonic()
        first = (self.run.first_at if self.run is not None else 0.0) or now
        times = ((first - self.began) * 1000, (now - self.began) * 1000)
        if self.run is None:
            return Usage(len(self.tokens), self.cached, 0, *times, "stop")
        return Usage(len(self.tokens), self.cached, self.run.completion, *times, self.run.finish)
