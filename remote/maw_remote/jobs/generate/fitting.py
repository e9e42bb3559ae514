"""What of the files a prompt shows: all of them where there is room, else the lines nearest to what the task is about.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maw_remote.jobs.generate.payload import File

LINE_SHOWN = 400  # characters of a line; what is longer is cut, and cannot be searched for
_MARK_COST = 8  # tokens of the line that says what is left out
_FILE_COST = 24  # tokens of what stands around a file


class Piece(NamedTuple):
    """Lines that follow each other; `start` is the first one's number, from 1."""

    start: int
    lines: tuple[str, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.lines) - 1


class Shown(NamedTuple):
    """What is shown of a file. `whole`: all of it is."""

    file: File
    pieces: tuple[Piece, ...]
    whole: bool


def lines_of(text: str) -> list[str]:
    """The lines of a file without their ends."""
    found = [line.removesuffix("\r") for line in text.split("\n")]
    return found[:-1] if found and not found[-1] else found


def cleaned(text: str) -> str:
    """A text without control characters, but for line ends and tabs."""
    return "".join(char if char in "\n\t" or " " <= char != "\x7f" else "\N{REPLACEMENT CHARACTER}" for char in text)


def line_shown(line: str) -> str:
    """A line as a prompt shows it: one that is very long is cut, control characters are replaced."""
    found = cleaned(line)
    return found if len(found) <= LINE_SHOWN else found[:LINE_SHOWN] + "…"


def as_it_is(line: str) -> bool:
    """Whether a prompt shows a line as it is."""
    return line_shown(line) == line


def fit(files: Sequence[File], costs: Sequence[Sequence[int]], room: int) -> list[Shown]:
    """The files with as many lines as `room` tokens hold. `costs` has the tokens of each line of each file.

    Lines nearest to a focus come first, and the first ones of a file that has none."""
    room -= _FILE_COST * len(files)
    texts = [lines_of(file.text) for file in files]
    left = room - sum(sum(own) + len(own) for own in costs)
    if left >= 0:
        return [_shown(file, lines, range(len(lines))) for file, lines in zip(files, texts, strict=True)]
    taken: list[list[int]] = [[] for _ in files]
    for number, at in _nearest_first(files, texts):
        # A gap may open at either side of each line that stands alone; the first line pays for it.
        cost = costs[number][at] + 1 + (0 if taken[number] else 2 * _MARK_COST)
        if cost > room:
            break
        room -= cost
        taken[number].append(at)
    return [_shown(*one) for one in zip(files, texts, taken, strict=True)]


def _nearest_first(files: Sequence[File], texts: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """File and line of all lines, those first that are nearest to what the task is about."""
    ordered = [
        (_distance(file, at + 1), number, at)
        for number, (file, lines) in enumerate(zip(files, texts, strict=True))
        for at in range(len(lines))
    ]
    return [(number, at) for _, number, at in sorted(ordered)]


def _distance(file: File, line: int) -> int:
    if not file.focus:
        return line
    return min(max(first - line, line - last, 0) for first, last in file.focus)


def _shown(file: File, lines: Sequence[str], taken: Iterable[int]) -> Shown:
    pieces: list[list[int]] = []
    for at in sorted(taken):
        if pieces and pieces[-1][-1] == at - 1:
            pieces[-1].append(at)
        else:
            pieces.append([at])
    found = tuple(Piece(piece[0] + 1, tuple(lines[at] for at in piece)) for piece in pieces)
    return Shown(file, found, sum(len(piece.lines) for piece in found) == len(lines))


def fit_text(text: str, costs: Sequence[int], room: int, *, tail: bool = False) -> str:
    """As many whole lines of a text as there is room for, from its start (or its end)."""
    lines = text.split("\n")
    kept: list[str] = []
    pairs = list(zip(lines, costs, strict=True))
    for line, cost in reversed(pairs) if tail else pairs:
        room -= cost + 1
        if room < 0:
            kept.append("[…]")
            break
        kept.append(line)
    return "\n".join(reversed(kept) if tail else kept)
