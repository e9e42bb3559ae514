"""Text from diffs, models and nodes, made safe for a terminal. Standard library only (hook path)."""

from __future__ import annotations

import time


def printable(text: str) -> str:
    """`text` without control characters, those of terminal escapes included; newline and tab stay."""
    if text.isprintable():
        return text
    return "".join(char if char in "\n\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def one_line(text: str) -> str:
    """`text` on one line: each run of white space is one blank, and no control character is left."""
    return printable(" ".join(text.split()))


def flat(text: str) -> str:
    """`text` on one line with its blanks as they are: code, or a row whose columns stand where they stand."""
    return printable(text.replace("\n", " ").expandtabs(4))


def rfc3339(seconds: float) -> str:
    """A time, in seconds since 1970, as RFC 3339 in UTC, to the millisecond."""
    whole, millis = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{millis:03d}Z"


def size(count: int | None) -> str:
    """Bytes for a person: 1.5 GB."""
    value = float(min(count or 0, 10**18))  # a node may tell numbers that no float holds
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 finding`, `2 findings`; `plural` where it is no s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"
