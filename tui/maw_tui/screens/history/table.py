"""The table of commits: as many as there are, of which it reads and holds those around the cursor."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.message import Message

from maw.git.repo import Repo
from maw.memory import listing
from maw.memory.index import Index
from maw.review.render import Line, Part
from maw.times import age
from maw_tui import words
from maw_tui.screens.history import reading
from maw_tui.screens.history.reading import Entry
from maw_tui.screens.paging import FIRST, PagedRows

VERDICTS = {"block": "error", "incomplete": "mark", "warn": "warning", "pass": "good", "unreviewed": "mark"}
LETTERS = {"review": "R", "message": "M", "generate": "G", "feedback": "F"}


class CommitTable(PagedRows[int, Entry]):
    """A key is the number of a record in the index."""

    @dataclass
    class Placed(Message):
        """The records of a commit that was looked for."""

        numbers: frozenset[int]

    nothing = "nothing is recorded yet: commit, or `maw review HEAD`"

    def list_keys(
        self, repo: Repo, index: Index, text: str, begun: Callable[[Sequence[int]], None] | None = None
    ) -> array[int]:
        filters = words.read(text, repo).filters
        return index.numbers(filters) if begun is None else index.numbers(filters, first=FIRST, begun=begun)

    def read_entries(self, repo: Repo, index: Index, keys: Sequence[int]) -> list[Entry] | None:
        rows = listing.rows(index, keys)
        return reading.entries(repo, index, rows) if len(rows) == len(keys) else None

    @work(thread=True, exclusive=True, exit_on_error=False, group="place")
    def look_for(self, repo: Repo, commit: str) -> None:
        """Put the cursor on a commit, where it is listed."""
        with Index(repo) as index:
            found = listing.numbers_on(index, commit)
        self.post_message(self.Placed(found))

    @on(Placed)
    def go_to(self, event: Placed) -> None:
        event.stop()
        place = next((at for at, key in enumerate(self.keys) if key in event.numbers), None)
        if place is not None:
            self.move_to(place)

    def draw_entry(self, entry: Entry, width: int, now: float) -> Line:
        return line(entry, width, now)


def heading(width: int) -> str:
    """What the columns of `line` are."""
    author = f"{'author':<{_author(width)}} " if _author(width) else ""
    return f" {'commit':<8}  age {'verdict':<10} {'found':<8} kind {author}subject"


def _author(width: int) -> int:
    """Columns of the author; none where there is little room."""
    return 0 if width < 76 else 12 if width < 100 else 18


def line(entry: Entry, width: int, now: float) -> Line:
    """A row in so many columns: what has no room is left out, the author first."""
    row = entry.row
    kinds = "".join(letter if kind in entry.kinds else "·" for kind, letter in LETTERS.items())
    parts: list[Part] = [
        ("commit", f" {row.commit[:8]} "),
        ("dim", f"{age(now - row.time / 1000):>4} "),
        (VERDICTS.get(row.outcome, "dim"), _fit(entry.outcome, 10) + " "),
        ("plain", _fit(entry.counts, 8) + " "),
        ("dim", f"{kinds} "),
    ]
    if _author(width):
        parts.append(("dim", _fit(entry.author, _author(width)) + " "))
    marks = f"[{entry.marks}] " if entry.marks else ""
    return Line((*parts, ("mark", marks), ("plain", entry.subject)))


def _fit(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) != width else text
