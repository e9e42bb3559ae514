"""What is tried again, and where. Pure decisions: a request that may have begun to be answered is never sent twice."""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.engine.interface import EngineError

ATTEMPTS = 3  # of one server
WAIT_MAX = 10.0  # seconds that a server may ask us to wait
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
        asked = failure.retry_after
        if attempt < ATTEMPTS and asked is not None and asked <= WAIT_MAX and not others:
            return Next(True, max(asked, 0.05))
        return Next(False, on=others)
    # It was refused, or the server broke: the same again would be no better, and may have had effects.
    return Next(False)


def retry_after(text: str | None) -> float | None:
    """The header's seconds; a date, which no server of models sends, counts as not said."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None
