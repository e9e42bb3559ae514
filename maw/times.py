"""Moments as people type and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime

from maw.errors import FatalError

_AGE = re.compile(r"(\d+)\s*(min|[smhdwy])\Z")
_AGO = re.compile(r"(last|\d+)[ .]+(second|minute|hour|day|week|month|year)s?([ .]+ago)?\Z")  # as git users type it
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_SECONDS |= {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "month": 30 * 86400}
_SECONDS["year"] = 365 * 86400
_STEPS = (("y", 365 * 86400), ("w", 7 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def moment(text: str, now: float | None = None) -> float:
    """Seconds since 1970 of an ISO date or time (local where it names no zone), an age such as 7d, or git's words for
    one: `yesterday`, `2 weeks ago`, `last month` (of 30 days).

    An age that reaches back further than 1970 means 1970. Raises FatalError when it is neither.
    """
    words = {"yesterday": "1d", "now": "0s"}.get(text.strip().lower(), text.strip())
    match = _AGE.match(words) or _AGO.match(words.lower())
    try:
        if match is not None:
            number = 1 if match[1] == "last" else int(match[1])
            return max((time.time() if now is None else now) - number * _SECONDS[match[2]], 0.0)
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise FatalError(
            f"not a time: {text!r}",
            hint="write 2026-01-31, 2026-01-31T12:00Z, yesterday, or an age such as 12h, 7d or 2 weeks ago",
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


def clock(told: str) -> str:
    """The time of day, here, of a moment that a node told; empty for what is none."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(moment(told)))
    except FatalError:
        return ""
