"""Whole numbers between two bounds, as GBNF."""

from __future__ import annotations

from maw_remote.engine.shape.gbnf import literal


def between(low: int, high: int) -> str:
    """The numbers from `low` to `high`, without leading zeros. `low` is not above `high`."""
    parts = []
    if low < 0:
        parts.append(f'"-" ({_natural(max(1, -high), -low)})')
    if high >= 0:
        parts.append(_natural(max(low, 0), high))
    return " | ".join(parts)


def _natural(low: int, high: int) -> str:
    """The numbers from `low` to `high`, neither below 0, digit by digit."""
    parts = []
    for size in range(len(str(low)), len(str(high)) + 1):
        least = str(low) if size == len(str(low)) else "1" + "0" * (size - 1)
        most = str(high) if size == len(str(high)) else "9" * size
        parts.append(_digits(least, most))
    return " | ".join(parts)


def _digits(low: str, high: str) -> str:
    """Texts of digits between two of the same length."""
    size = len(low) - 1
    if low == high:
        return literal(low)
    if low == low[0] + "0" * size and high == high[0] + "9" * size:
        return f"[{low[0]}-{high[0]}]" + (f" [0-9]{{{size}}}" if size else "")
    if low[0] == high[0]:
        return f"{literal(low[0])} ({_digits(low[1:], high[1:])})"
    parts = []
    first, last = int(low[0]), int(high[0])
    if low[1:] != "0" * size:
        parts.append(f"{literal(low[0])} ({_digits(low[1:], '9' * size)})")
        first += 1
    if high[1:] != "9" * size:
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}]" + (f" [0-9]{{{size}}}" if size else ""))
    if high[1:] != "9" * size:
        parts.append(f"{literal(high[0])} ({_digits('0' * size, high[1:])})")
    return " | ".join(parts)
