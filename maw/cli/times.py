"""Moments as people type and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime

from maw.errors import FatalError

_AGE = re.compile(r"(\d+)\s*(min|[smhdwy])\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_STEPS = (("y", 365 * 86400), ("w", 7 * 86400), ("d", 86400), ("h", 3600), ("m", 60))


def moment(text: str, now: float | None = None) -> float:
    """Seconds since 1970 of an ISO date or time (local where it names no zone) or an age such as 7d.

    Raises FatalError when it is neither.
    """
    match = _AGE.match(text.strip())
    if match is not None:
        return (time.time() if now is None else now) - int(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise FatalError(
            f"not a time: {text!r}", hint="write 2026-01-31, 2026-01-31T12:00Z, or an age such as 12h, 7d or 2w"
        ) from None


def age(seconds: float) -> str:
    """How long ago, in its largest unit: `3d`, `5m`, `now`."""
    for unit, size in _STEPS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "now"
