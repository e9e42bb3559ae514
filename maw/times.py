"""Moments as people type and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime

from maw.errors import FatalError

_AGE = re.compile(r"(\d+)\s*(min|[smhdwy])\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_STEPS = (("y", 365 * 86400), ("w", 7 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def moment(text: str, now: float | None = None) -> float:
    """Seconds since 1970 of an ISO date or time (local where it names no zone) or an age such as 7d.

    An age that reaches back further than 1970 means 1970. Raises FatalError when it is neither.
    """
    match = _AGE.match(text.strip())
    try:
        if match is not None:
            past = (time.time() if now is None else now) - int(match[1]) * _SECONDS[match[2]]
            return max(past, 0.0)
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise FatalError(
            f"not a time: {text!r}", hint="write 2026-01-31, 2026-01-31T12:00Z, or an age such as 12h, 7d or 2w"
        ) from None


def age(seconds: float, *, now_below: int = 60) -> str:
    """How long ago, in its largest unit: `3d`, `5m`; `now` below so many seconds."""
    for unit, size in _STEPS:
        if seconds >= max(size, now_below):
            return f"{int(seconds // size)}{unit}"
    return "now"


def ago(seconds: float, *, now_below: int = 60) -> str:
    """The same in a sentence: `3d ago`, `now`."""
    text = age(seconds, now_below=now_below)
    return text if text == "now" else f"{text} ago"


def until(seconds: float) -> str:
    """How soon, in its largest unit: `in 59m`, `now`."""
    text = age(seconds, now_below=1)
    return text if text == "now" else f"in {text}"
