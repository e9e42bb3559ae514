"""Where a block's search lines stand in a file: exactly, else but for white space, else at the nearest place. Pure.

Time is bounded by the sizes: what is compared for the nearest place has a budget, and when it is used up the place
counts as not found.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw.edits import nearest, refusal
from maw.edits.lines import Line
from maw.edits.nearest import Aligned
from maw.edits.refusal import Refused, refuse
from maw.text import count, printable

EXACT, SPACE, NEAREST = "exact", "space", "nearest"
PLACES_TOLD = 10
REAL_MAX = 80  # lines that are given back


class Match(NamedTuple):
    """Lines `start` to `end` (half-open, from 0) of the file. `lines[i]` is the file's line that the search's line i
    stands for, None where there is none. `difference`: search against file, as a diff, unless they are the same."""

    start: int
    end: int
    lines: tuple[int | None, ...]
    how: str
    difference: str = ""


def find(search: Sequence[str], lines: Sequence[Line], path: str) -> Match:
    """Raises Refused: the search is empty, stands at several places, or at none."""
    if not any(line.strip() for line in search):
        raise refuse(refusal.EMPTY_SEARCH, "a search block without a line to find", path)
    texts = [line.text for line in lines]
    for how, key in _WAYS:
        places = _places([key(line) for line in search], [key(text) for text in texts])
        if len(places) > 1:
            raise _ambiguous([place + 1 for place in places], search, path)
        if places:
            start, end = places[0], places[0] + len(search)
            return Match(start, end, tuple(range(start, end)), how, _difference(search, texts[start:end]))
    return _nearest(search, texts, path)


_WAYS: tuple[tuple[str, Callable[[str], str]], ...] = ((EXACT, str), (SPACE, str.strip))


def _places(search: list[str], texts: list[str]) -> list[int]:
    first, length = search[0], len(search)
    starts = (at for at in range(len(texts) - length + 1) if texts[at] == first)
    return [at for at in starts if texts[at : at + length] == search]


def _nearest(search: Sequence[str], texts: list[str], path: str) -> Match:
    found = nearest.candidates(search, texts)
    good = [candidate for candidate in found if candidate.score >= nearest.needed(search)]
    if not good:
        raise _no_match(search, texts, found, path)
    if len(good) > 1 and good[1].score > good[0].score - nearest.MARGIN:
        raise _ambiguous(sorted(candidate.start + 1 for candidate in good), search, path, alike=True)
    best = good[0]
    difference = _difference(search, texts[best.start : best.end])
    return Match(best.start, best.end, best.lines, NEAREST, difference)


def _difference(search: Sequence[str], real: Sequence[str]) -> str:
    return printable("\n".join(difflib.unified_diff(search, real, "search", "file", lineterm="", n=1)))


def _ambiguous(places: list[int], search: Sequence[str], path: str, *, alike: bool = False) -> Refused:
    told = ", ".join(str(place) for place in places[:PLACES_TOLD]) + (", …" if len(places) > PLACES_TOLD else "")
    what = "is as near to several places" if alike else f"stands at {count(len(places), 'place')}"
    return refuse(refusal.AMBIGUOUS, f"a search block {what}: lines {told} ({_start(search)})", path)


def _no_match(search: Sequence[str], texts: list[str], found: Sequence[Aligned], path: str) -> Refused:
    start, end = (found[0].start, found[0].end) if found else (0, len(texts))
    start = max(0, start - 3)
    real = "\n".join(texts[start : min(end + 3, start + REAL_MAX)])
    told = f"; the nearest lines begin at {found[0].start + 1}" if found else ""
    return refuse(refusal.NO_MATCH, f"a search block matches no lines ({_start(search)}){told}", path, real)


def _start(search: Sequence[str]) -> str:
    first = next(line.strip() for line in search if line.strip())
    return f"it starts with `{first[:60]}`"
