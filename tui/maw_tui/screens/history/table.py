"""The table of commits: as many as there are, of which it holds those around the cursor."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size

from maw.review.render import Line, Part
from maw.times import age
from maw_tui.screens.history.reading import Entry
from maw_tui.widgets.rows import Rows

KEPT = 2000  # entries; more are read again when they are looked at
VERDICTS = {"block": "error", "incomplete": "mark", "warn": "warning", "pass": "good", "unreviewed": "mark"}
LETTERS = {"review": "R", "message": "M", "generate": "G", "feedback": "F"}


class CommitTable(Rows):
    """A number for each row, and entries by the place of their row."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(self._draw_row, id="history-rows")
        self._now = now
        self.numbers: array[int] = array("q")
        self.entries: dict[int, Entry] = {}

    @property
    def current(self) -> Entry | None:
        return self.entries.get(self.cursor)

    def begin(self, entries: Sequence[Entry]) -> None:
        """The first rows; `fill` tells of the others."""
        self.numbers = array("q")
        self.entries = dict(enumerate(entries))
        self.show(len(entries))

    def fill(self, numbers: array[int], *, keep_entries: bool, empty: str) -> None:
        """All rows there are, by their numbers. The cursor stays on its record where that is still listed."""
        known = self.numbers[self.cursor] if self.cursor < len(self.numbers) else None
        cursor = numbers.index(known) if known is not None and known in numbers else self.cursor
        self.numbers = numbers
        if not keep_entries:
            self.entries = {}
        self.show(len(numbers), cursor=cursor, empty=empty)

    def take(self, first: int, entries: Sequence[Entry]) -> None:
        """Rows that were asked for."""
        if len(self.entries) > KEPT:
            self.entries = {}
        self.entries.update(enumerate(entries, first))
        self.arrived()
        if first <= self.cursor < first + len(entries):
            self.post_message(self.Moved(self, self.cursor))

    def _draw_row(self, number: int, width: int) -> Line | None:
        entry = self.entries.get(number)
        return None if entry is None else line(entry, width, self._now())


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
    if width >= 72:
        parts.append(("dim", _fit(entry.author, 12 if width < 100 else 18) + " "))
    marks = f"[{entry.marks}] " if entry.marks else ""
    return Line((*parts, ("mark", marks), ("plain", entry.subject)))


def _fit(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) != width else text
