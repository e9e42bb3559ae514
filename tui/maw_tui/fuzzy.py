"""Paths that somebody means by a few of their letters. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence

MOST = 200  # that are shown


def rank(paths: Sequence[str], letters: str, most: int = MOST) -> list[str]:
    """Those that have these letters in this order, the best first: in the file's name before in a folder's, close
    together before far apart, short before long. Capitals count where there are any; blanks do not."""
    wanted = "".join(letters.split())
    if not wanted:
        return list(paths[:most])
    # For each beginning the shortest match; the first letter is looked for at every place.
    pattern = re.compile(
        ".*?".join(map(re.escape, wanted)), re.DOTALL if wanted != wanted.lower() else re.DOTALL | re.IGNORECASE
    )
    found = ((_badness(pattern, path), path) for path in paths if pattern.search(path))
    return [path for _, path in heapq.nsmallest(most, found)]


def _badness(pattern: re.Pattern[str], path: str) -> tuple[int, int, int]:
    _, _, name = path.rstrip("/").rpartition("/")
    inside = pattern.search(name)
    if inside is not None:
        return 0, _span(pattern, name, inside), len(path)
    whole = pattern.search(path)
    return 1, _span(pattern, path, whole) if whole is not None else len(path), len(path)


def _span(pattern: re.Pattern[str], text: str, found: re.Match[str] | None) -> int:
    """How far apart the letters are where they are closest."""
    shortest = len(text)
    while found is not None:
        shortest = min(shortest, found.end() - found.start())
        found = pattern.search(text, found.start() + 1)
    return shortest
