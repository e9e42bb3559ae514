"""Bars and small plots as text. The filter in glyphs.py turns them into ASCII where that is all there is."""

from __future__ import annotations

from collections.abc import Sequence

_LEVELS = " ▁▂▃▄▅▆▇█"


def bar(part: float, whole: float, width: int) -> str:
    """How much of the whole it is; what is more than nothing is seen."""
    share = min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
    full = round(share * width)
    if share > 0:
        full = max(full, 1)
    return "█" * full + "░" * (width - full)


def spark(values: Sequence[float], width: int, top: float = 0.0) -> str:
    """The last values, one a column, right-aligned; the highest (or `top`, where that is more) is a full column. Before
    the first one there is the base line, so that nothing moves while nothing happens."""
    shown = values[-width:] if width > 0 else []
    highest = max([top, *shown], default=0.0)
    return "".join(_level(value, highest) for value in shown).rjust(width, _LEVELS[1])


def _level(value: float, highest: float) -> str:
    if value <= 0 or highest <= 0:
        return _LEVELS[1]
    return _LEVELS[max(2, min(round(value / highest * 8), 8))]
