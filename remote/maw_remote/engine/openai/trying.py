"""What is tried again, and where. Pure decisions: a request that may have begun to be answered is never sent twice."""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.engine.interface import EngineError

ATTEMPTS = 3  # of one server
WAIT_MAX = 10.0  # seconds that a server may ask us to wait
# Seconds before a busy server that does not say how long it will be is asked again, and again: a minute in all, which a
# large model takes to load (llama-server answers 503 meanwhile, and Ollama when too many wait).
PAUSES = (1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 15.0)
_PAUSE = 0.3  # seconds before a server that refuses connections is asked again


class Failure(NamedTuple):
    """Why a request came to nothing before any of its answer was received.

    `kind`: unreachable (no connection), busy (429 or 503), refused (another status of 400 to 499), failed (500 on)."""

    kind: str
    retry_after: float | None = None  # seconds, as the server asks


class Unanswered(Exception):
    """Nothing of an answer was received; `failure` tells whether to ask again, `error` what to say if not."""

    def __init__(self, failure: Failure, error: EngineError) -> None:
        super().__init__(error.message)
        self.failure = failure
        self.error = error


class Next(NamedTuple):
    """`wait` seconds and ask the same server again, or go `on` to the next one, or give up."""

    again: bool
    wait: float = 0.0
    on: bool = False


def decide(failure: Failure, attempt: int, *, others: bool) -> Next:
    """What to do after the `attempt`-th failure (from 1 on) of one server; `others`: one stands in for it."""
    if failure.kind == "unreachable":
        if others:
            return Next(False, on=True)
        return Next(True, _PAUSE) if attempt < 2 else Next(False)
    if failure.kind == "busy":
        wait = None if others else _until_free(failure.retry_after, attempt)
        return Next(False, on=others) if wait is None else Next(True, wait)
    # It was refused, or the server broke: the same again would be no better, and may have had effects.
    return Next(False)


def _until_free(asked: float | None, attempt: int) -> float | None:
    """Seconds to wait for a busy server; None: no longer."""
    if asked is None:
        return PAUSES[attempt - 1] if attempt <= len(PAUSES) else None
    return max(asked, 0.05) if attempt < ATTEMPTS and asked <= WAIT_MAX else None


def retry_after(text: str | None) -> float | None:
    """The header's seconds; a date, which no server of models sends, counts as not said."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None
