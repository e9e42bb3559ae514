"""The table of commits: as many as there are, of which it reads and holds those around the cursor."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from maw.git.repo import Repo
from maw.memory import arrivals, listing
from maw.memory.index import Index
from maw.review.render import Line, Part
from maw.times import age
from maw_tui import words
from maw_tui.messages import Told
from maw_tui.screens.history import reading
from maw_tui.screens.history.reading import Entry
from maw_tui.widgets.rows import Rows
from maw_tui.work import Working

FIRST = 100  # rows that are asked for before all of them are counted
KEPT = 2000  # entries; more are read again when they are looked at
VERDICTS = {"block": "error", "incomplete": "mark", "warn": "warning", "pass": "good", "unreviewed": "mark"}
LETTERS = {"review": "R", "message": "M", "generate": "G", "feedback": "F"}


class CommitTable(Working, Rows):
    """A number for each row, and entries by the place of their row."""

    @dataclass
    class Begun(Message):
        """The first rows of a filter."""

        entries: list[Entry]

    @dataclass
    class Counted(Message):
        """All rows of a filter, by number; `fresh`: the index changed, so what was read before is void."""

        numbers: array[int]
        fresh: bool

    @dataclass
    class Came(Message):
        """Rows that were asked for; None: some are gone, since the index changed meanwhile."""

        first: int
        entries: list[Entry] | None

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(self._draw_row, id="history-rows")
        self._now = now
        self.numbers: array[int] = array("q")
        self.entries: dict[int, Entry] = {}
        self._repo: Repo | None = None
        self._filter = ""
        self._listed: str | None = None  # the filter whose rows are shown

    @property
    def current(self) -> Entry | None:
        return self.entries.get(self.cursor)

    def read(self, repo: Repo, text: str, *, fresh: bool) -> None:
        """Show what a filter leaves; `fresh`: what waits is noted and indexed before."""
        self._repo, self._filter = repo, text
        self._read_rows(repo, text, fresh)

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def _read_rows(self, repo: Repo, text: str, fresh: bool) -> None:
        """The first rows, then all numbers, and once more where something that waited was noted. The next filter stops
        the questions for this one."""
        worker = get_current_worker()
        filters = words.read(text, repo).filters

        def begun(numbers: array[int]) -> None:
            entries = reading.entries(repo, index, listing.rows(index, numbers))
            if not worker.is_cancelled:
                self.post_message(self.Begun(entries))

        with Index(repo) as index:
            with index.stoppable(lambda: worker.is_cancelled):
                numbers = index.numbers(filters, first=FIRST, begun=begun)
            changed = fresh and self._refreshed(repo, index)
            if changed and not worker.is_cancelled:
                numbers = index.numbers(filters)
        if not worker.is_cancelled:
            self.post_message(self.Counted(numbers, changed))

    def _refreshed(self, repo: Repo, index: Index) -> bool:
        def told(text: str, *, error: bool = True) -> None:
            self.post_message(Told(text, error))

        arrivals.deliver(repo, told)
        return index.refresh(told=lambda: told("reading the notes of this repository: a while, once", error=False))

    @on(Begun)
    def begin(self, event: Begun) -> None:
        event.stop()
        if self._listed == self._filter and self.count:
            return  # read again: the place is kept, `fill` has what is new
        self._listed = self._filter
        self.numbers = array("q")
        self.entries = dict(enumerate(event.entries))
        self.show(len(event.entries))

    @on(Counted)
    def fill(self, event: Counted) -> None:
        """The cursor stays on its record where that is still listed."""
        event.stop()
        known = self.numbers[self.cursor] if self.cursor < len(self.numbers) else None
        cursor = event.numbers.index(known) if known is not None and known in event.numbers else self.cursor
        if event.fresh or (self.numbers and self.numbers != event.numbers):
            self.entries = {}  # what was read before is void, or of other places
        self.numbers = event.numbers
        nothing = "nothing is recorded yet: commit, or `maw review HEAD`"
        empty = "nothing recorded that fits" if self._filter else nothing
        self.show(len(event.numbers), cursor=cursor, empty=empty)

    @on(Rows.Wanted)
    def read_more(self, event: Rows.Wanted) -> None:
        event.stop()
        if self._repo is not None:
            self._read_part(self._repo, event.first, self.numbers[event.first : event.last])

    @work(thread=True, exclusive=True, exit_on_error=False, group="part")
    def _read_part(self, repo: Repo, first: int, numbers: array[int]) -> None:
        with Index(repo) as index:
            rows = listing.rows(index, numbers)
            entries = reading.entries(repo, index, rows) if len(rows) == len(numbers) else None
        if not get_current_worker().is_cancelled:
            self.post_message(self.Came(first, entries))

    @on(Came)
    def take(self, event: Came) -> None:
        event.stop()
        if event.entries is None:
            if self._repo is not None:
                self.read(self._repo, self._filter, fresh=True)
            return
        if len(self.entries) > KEPT:
            self.entries = {}
        self.entries.update(enumerate(event.entries, event.first))
        self.arrived()
        if event.first <= self.cursor < event.first + len(event.entries):
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
