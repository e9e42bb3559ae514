"""The places in a file that some lines are most like. Pure, and bounded in time whatever the lines are.

Lines that share words vote for a place; the few places with most votes are aligned with the search line by line.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

SEARCH_MAX = 400  # lines
FILE_MAX = 50_000  # lines
BUDGET = 20_000_000  # pairs of characters compared; a second or so
MARGIN = 0.05  # by which the best place must be better than the next
_COMMON = 200  # a word in more lines than that tells no place
_CANDIDATES = 6
_SLACK = 3  # lines that may be missing or too many
_WIDTH = 160  # characters of a line that are compared
_GAP = 0.05  # what a line that only the file has costs, as a part of one search line
_WORD = re.compile(r"\w+|[^\w\s]+")


class Aligned(NamedTuple):
    """As match.Match; `score` is 1 for the same lines, 0 for no likeness."""

    score: float
    start: int
    end: int
    lines: tuple[int | None, ...]


def needed(search: Sequence[str]) -> float:
    """The score at which a place is taken: a short search has to be very like."""
    return 0.8 if sum(1 for line in search if line.strip()) >= 3 else 0.9


def candidates(search: Sequence[str], texts: Sequence[str]) -> list[Aligned]:
    """Places, the best first, that do not overlap."""
    if len(search) > SEARCH_MAX or len(texts) > FILE_MAX:
        return []
    likeness = _Likeness()
    found: list[Aligned] = []
    for start in _starts(search, texts):
        low, high = max(0, start - _SLACK), min(len(texts), start + len(search) + _SLACK)
        aligned = _Alignment(search, texts[low:high], likeness).found(low)
        if likeness.left <= 0:
            return []
        if aligned is not None:
            found.append(aligned)
    found.sort(key=lambda aligned: (-aligned.score, aligned.start))
    distinct: list[Aligned] = []
    for aligned in found:
        if all(aligned.end <= other.start or other.end <= aligned.start for other in distinct):
            distinct.append(aligned)
    return distinct


def _starts(search: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Where the search would begin, by the words that its lines and the file's have in common."""
    where: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        for word in set(_WORD.findall(text[:_WIDTH])):
            where[word].append(number)
    votes: defaultdict[int, float] = defaultdict(float)
    for number, line in enumerate(search):
        for word in set(_WORD.findall(line[:_WIDTH])):
            lines = where.get(word, ())
            for found in lines if len(lines) <= _COMMON else ():
                votes[found - number] += 1 / len(lines)
    ranked = sorted(votes, key=lambda start: (-votes[start], start))
    spread: list[int] = []
    for start in ranked:
        if len(spread) == _CANDIDATES:
            break
        if all(abs(start - other) > _SLACK for other in spread):
            spread.append(start)
    return spread


class _Likeness:
    """Of two lines, 0 to 1, for as long as the budget lasts."""

    def __init__(self) -> None:
        self.left = BUDGET
        self._known: dict[tuple[str, str], float] = {}

    def __call__(self, one: str, other: str) -> float:
        one, other = one.strip()[:_WIDTH], other.strip()[:_WIDTH]
        if one == other:
            return 1.0
        known = self._known.get((one, other))
        if known is None:
            self.left -= len(one) * len(other)
            known = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() if self.left > 0 else 0.0
            self._known[one, other] = known
        return known


class _Alignment:
    """The best way to lay the search over a part of a window of the file."""

    def __init__(self, search: Sequence[str], window: Sequence[str], likeness: _Likeness) -> None:
        self._search, self._window, self._likeness = search, window, likeness
        self._weights = [len(line.strip()[:_WIDTH]) + 1 for line in search]
        self._gap = _GAP * sum(self._weights) / len(self._weights)
        # best[i][j]: of search[:i], laid so that what was taken ends before window[j]. It may begin anywhere.
        self._best = [[0.0] * (len(window) + 1) for _ in range(len(search) + 1)]
        for i in range(1, len(search) + 1):
            for j in range(1, len(window) + 1):
                skipped = self._best[i][j - 1] - self._gap
                self._best[i][j] = max(self._taken(i, j), self._best[i - 1][j], skipped)

    def found(self, low: int) -> Aligned | None:
        """With the window's first line being number `low` of the file; None when no line is like another."""
        last = self._best[-1]
        end = max(range(len(last)), key=last.__getitem__)
        lines = [None if line is None else line + low for line in self._traced(end)]
        taken = [line for line in lines if line is not None]
        if not taken:
            return None
        return Aligned(max(0.0, last[end]) / sum(self._weights), taken[0], taken[-1] + 1, tuple(lines))

    def _taken(self, i: int, j: int) -> float:
        """The value with the search's line i (from 1) on the window's line j. Far from the diagonal lines are not
        compared: a band, not a square."""
        if abs(j - i - _SLACK) > 2 * _SLACK:
            return -1.0
        likeness = self._likeness(self._search[i - 1], self._window[j - 1])
        return self._best[i - 1][j - 1] + self._weights[i - 1] * likeness

    def _traced(self, end: int) -> list[int | None]:
        """Which line of the window each line of the search took."""
        taken: list[int | None] = [None] * len(self._search)
        i, j = len(self._search), end
        while i > 0 and j > 0:
            if self._best[i][j] == self._best[i - 1][j]:
                i -= 1
            elif self._best[i][j] == self._taken(i, j):
                taken[i - 1] = j - 1
                i, j = i - 1, j - 1
            else:
                j -= 1
        return taken
