"""Whether a finding is one that a person dismissed: by what the code says, not by where it stands. Pure; standard
library only (hook path).

A finding is the same as a dismissed one when its quoted line is, but for white space; when it says the same (the
category, and most words of the title or of title and scenario); and when the lines around are the same. Neither path
nor line number counts, so that moved, renamed and re-indented code stays dismissed and changed code does not.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Sequence

from maw.finding import Finding, finding_from_json
from maw.light import Any, NamedTuple

NEAR = 3  # lines looked at on each side
DISMISSED, ACCEPTED, FIXED, DEFERRED = "dismissed", "accepted", "fixed", "deferred"
STATUSES = (DISMISSED, ACCEPTED, FIXED, DEFERRED)
_ALIKE = 0.5  # of all the words of two texts, how many both must have
_STEM = 5  # letters; "divides" and "division" are one word
_SHORT = 3  # letters; words with fewer say nothing
_SIDES = ("above", "below")

Json = dict[str, Any]


class Around(NamedTuple):
    """Checksums of the lines above and below one, the nearest first; they end at a blank line. Checksums, since a
    note may travel to where the values of secrets must not."""

    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()

    def to_json(self) -> Json:
        return {"above": list(self.above), "below": list(self.below)}


class Dismissal(NamedTuple):
    """A finding, as it was when somebody dismissed it; `reason` and `by` may be empty."""

    finding: Finding
    around: Around
    reason: str
    by: str


def around(lines: Sequence[bytes], number: int) -> Around:
    """What stands around line `number` (from 1) of a file."""
    if not 1 <= number <= len(lines):
        return Around()
    above = reversed(lines[max(number - 1 - NEAR, 0) : number - 1])
    return Around(_sums(above), _sums(lines[number : number + NEAR]))


def _sums(lines: Iterable[bytes]) -> tuple[str, ...]:
    sums: list[str] = []
    for line in lines:
        folded = b" ".join(line.split())
        if not folded:
            break
        sums.append(f"{binascii.crc32(folded):08x}")
    return tuple(sums)


class Dismissals:
    """Those in force. `find` asks for the lines around only where a quoted line fits."""

    def __init__(self, items: Iterable[Dismissal] = ()) -> None:
        self._by_quote: dict[str, list[Dismissal]] = {}
        for item in items:
            self._by_quote.setdefault(_folded(item.finding.quote), []).append(item)

    def __len__(self) -> int:
        return sum(map(len, self._by_quote.values()))

    def find(self, finding: Finding, around_it: Callable[[], Around]) -> Dismissal | None:
        """The dismissal that holds for this finding, None when there is none."""
        alike = [item for item in self._by_quote.get(_folded(finding.quote), ()) if says_the_same(finding, item)]
        if not alike:
            return None
        here = around_it()
        for item in alike:
            if same_place(here, item.around, same_path=finding.path == item.finding.path):
                return item
        return None


def says_the_same(finding: Finding, dismissal: Dismissal) -> bool:
    other = dismissal.finding
    if finding.id == other.id:
        return True
    if not _folded(finding.quote):
        return False  # nothing else ties it to the code
    if finding.category and other.category and finding.category.casefold() != other.category.casefold():
        return False
    titles = _words(finding.title), _words(other.title)
    wholes = titles[0] | _words(finding.scenario), titles[1] | _words(other.scenario)
    return max(_likeness(*titles), _likeness(*wholes)) >= _ALIKE


def same_place(here: Around, there: Around, *, same_path: bool) -> bool:
    """Whether the surroundings are the same: the nearest lines are, and most of the others. The side on which only one
    of them has lines, as at the edge of what was moved, tells nothing; where no side tells, the path decides."""
    told = [(mine, other) for mine, other in zip(here, there, strict=True) if mine and other]
    if not told:
        return same_path
    if any(mine[0] != other[0] for mine, other in told):
        return False
    common = sum(min(mine.count(line), other.count(line)) for mine, other in told for line in set(mine))
    return 2 * common >= sum(max(len(mine), len(other)) for mine, other in told)


def in_force(records: Iterable[Json]) -> list[Dismissal]:
    """The dismissals among feedback records that stand, oldest first: the last word about a finding counts."""
    last: dict[str, Dismissal | None] = {}
    for data in records:
        dismissal = of_record(data)
        if dismissal is not None:
            key = dismissal.finding.id
            last.pop(key, None)
            last[key] = dismissal if data.get("status") == DISMISSED else None
    return [dismissal for dismissal in last.values() if dismissal is not None]


def of_record(data: Json) -> Dismissal | None:
    """What a feedback record is about, whatever its status; None for one that is damaged, or of another kind."""
    if data.get("kind") != "feedback" or data.get("status") not in STATUSES:
        return None
    try:
        finding = finding_from_json(data.get("finding"))
    except ValueError:
        return None
    near = data.get("around")
    sides = [near.get(side) if isinstance(near, dict) else None for side in _SIDES]
    above, below = (tuple(map(str, side[:NEAR])) if isinstance(side, list) else () for side in sides)
    return Dismissal(finding, Around(above, below), _text(data, "reason"), _text(data, "by"))


def _text(data: Json, key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _folded(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> set[str]:
    spaced = "".join(char if char.isalnum() else " " for char in text.casefold())
    return {word[:_STEM] for word in spaced.split() if len(word) >= _SHORT}


def _likeness(one: set[str], other: set[str]) -> float:
    """How many of the words both have, from 0 to 1."""
    return len(one & other) / len(one | other) if one | other else 0.0
