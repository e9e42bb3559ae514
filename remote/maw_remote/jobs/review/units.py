"""Cut a change into units: the part of one file that one prompt shows, fitted to a token budget."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw.change import FileChange, Hunk, Line

LINE_SHOWN = 240  # characters of a line that a prompt shows
PATH_SHOWN = 200
ADDED_MAX = 200  # added lines of a unit: each is an option of its answer


class Piece(NamedTuple):
    """Lines that follow each other; `section` is the definition around them, as git prints it."""

    section: str
    lines: list[Line]


class Unit(NamedTuple):
    """What one prompt judges. `id` depends on path and content only."""

    id: str
    path: str
    status: str
    pieces: list[Piece]

    def judged(self) -> list[Line]:
        """The added lines that can be wrong: those that are not blank."""
        return [line for piece in self.pieces for line in piece.lines if is_judged(line)]


def shown(text: bytes, limit: int = LINE_SHOWN) -> str:
    """A line as text for a prompt: what is not UTF-8 and control characters are replaced, its length is bounded."""
    found = text.removesuffix(b"\r").decode("utf-8", "replace")
    found = "".join(char if char == "\t" or not _is_control(char) else "\N{REPLACEMENT CHARACTER}" for char in found)
    return found if len(found) <= limit else found[:limit] + "…"


def is_judged(line: Line) -> bool:
    """True for an added line that is not blank. Only these are numbered, and can be found fault with."""
    return line.kind == "+" and not line.text.isspace() and line.text != b""


def cut(file: FileChange, budget: int, count: Callable[[Sequence[str]], Sequence[int]]) -> list[Unit]:
    """The file's units: every added line that is not blank is in exactly one. `count` gives the tokens of texts."""
    lines = [line for hunk in file.hunks for line in hunk.lines]
    costs = dict(zip(map(id, lines), map(_cost, lines, count([shown(line.text) for line in lines])), strict=True))
    pieces = [piece for hunk in file.hunks for piece in _split(hunk, budget, costs)]
    groups: list[list[Piece]] = []
    room = judged = 0
    for piece in pieces:
        cost, more = sum(costs[id(line)] for line in piece.lines), _judged(piece.lines)
        if not groups or cost > room or judged + more > ADDED_MAX:
            groups.append([])
            room, judged = budget, 0
        groups[-1].append(piece)
        room, judged = room - cost, judged + more
    return [_unit(file, group) for group in groups if any(_judged(piece.lines) for piece in group)]


def _split(hunk: Hunk, budget: int, costs: dict[int, int]) -> list[Piece]:
    """A hunk in pieces of at most `budget` tokens; a line that alone is dearer is a piece of its own."""
    section = shown(hunk.section, 80)
    pieces: list[Piece] = []
    room = judged = 0
    for line in hunk.lines:
        cost = costs[id(line)]
        if not pieces or cost > room or judged >= ADDED_MAX:
            pieces.append(Piece(section, []))
            room, judged = budget, 0
        pieces[-1].lines.append(line)
        room, judged = room - cost, judged + is_judged(line)
    return pieces


def _cost(line: Line, tokens: int) -> int:
    """Tokens of a line in the prompt: context stands in the old and the new code, added lines have a number."""
    return {" ": 2 * tokens + 8, "-": tokens + 3}.get(line.kind, tokens + 10)


def _judged(lines: list[Line]) -> int:
    return sum(map(is_judged, lines))


def _unit(file: FileChange, pieces: list[Piece]) -> Unit:
    digest = hashlib.sha256(file.path.encode("utf-8", "surrogateescape"))
    for piece in pieces:
        for line in piece.lines:
            digest.update(b"\n%s%d " % (line.kind.encode("ascii"), line.new or 0) + line.text)
    return Unit(digest.hexdigest()[:12], file.path, file.status, pieces)


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f"
