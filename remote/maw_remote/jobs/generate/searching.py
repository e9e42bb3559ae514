"""What an answer can search for in a file: lines that follow each other in what was shown, enough of them to stand at
one place only. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from maw.secrets import MARK as REDACTED
from maw_remote.jobs.generate.fitting import Shown, as_it_is

SAME_MAX = 500  # places of one line; where it has more, nobody looks for what tells them apart
LEAST_MAX = 40  # lines that are looked at for that


def places(lines: Sequence[str]) -> dict[str, list[int]]:
    """Where each line stands, counted from 0."""
    found: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        found.setdefault(line, []).append(at)
    return found


def runs(one: Shown) -> Iterator[tuple[int, int]]:
    """From where to where (counted from 0, the end left out) lines were shown as they are."""
    for piece in one.pieces:
        first = piece.start - 1
        for at, line in enumerate(piece.lines, piece.start - 1):
            if as_it_is(line) and REDACTED not in line:
                continue
            if first < at:
                yield first, at
            first = at + 1
        if first < piece.end:
            yield first, piece.end


def least(lines: Sequence[str], where: Mapping[str, Sequence[int]], first: int, end: int) -> int | None:
    """How many lines from `first` on, and before `end`, stand at one place only; None when nobody can tell."""
    left = where[lines[first]]
    if len(left) > SAME_MAX:
        return None
    count = 1
    while len(left) > 1:
        if first + count >= end or count >= LEAST_MAX:
            return None
        left = [at for at in left if at + count < len(lines) and lines[at + count] == lines[first + count]]
        count += 1
    return count
