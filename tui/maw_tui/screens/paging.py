"""A list of any length out of the index: a key for each row, and what the rows say around the cursor alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from maw.git.repo import Repo
from maw.memory import arrivals
from maw.memory.index import Index
from maw.review.render import Line
from maw_tui.messages import Told
from maw_tui.widgets.rows import Rows
from maw_tui.work import Working

FIRST = 100  # rows that are asked for before all of them are counted
KEPT = 2000  # entries; more are read again when they are looked at

Key = TypeVar("Key")
Entry = TypeVar("Entry")


class PagedRows(Working, Rows, Generic[Key, Entry]):
    """Whoever derives from it says how keys are listed, entries read (both in workers) and rows drawn; `nothing` and
    `nothing_fits` are said where there are no rows."""

    goes_along = True
    nothing = "nothing is recorded yet"
    nothing_fits = "nothing recorded that fits"

    @dataclass
    class Begun(Message):
        """The first rows of a filter."""

        text: str
        keys: Sequence[Any]
        entries: list[Any]

    @dataclass
    class Counted(Message):
        """The keys of all rows of a filter; `void`: what was read before is so no longer."""

        text: str
        keys: Sequence[Any]
        void: bool

    @dataclass
    class Came(Message):
        """Rows that were asked for; None: some are gone, since the index changed meanwhile."""

        first: int
        keys: Sequence[Any]
        entries: list[Any] | None

    @dataclass
    class Reading(Message):
        """The notes are being read, which takes a while."""

    @dataclass
    class Filled(Rows.Happened):
        """All rows of a filter are counted."""

    def __init__(self, now: Callable[[], float], *, id: str) -> None:
        super().__init__(self._draw_row, id=id)
        self._now = now
        self.keys: Sequence[Key] = ()
        self.entries: dict[int, Entry] = {}
        self._repo: Repo | None = None
        self._filter = ""
        self._listed: str | None = None  # the filter whose rows are shown

    def list_keys(
        self, repo: Repo, index: Index, text: str, begun: Callable[[Sequence[Key]], None] | None = None
    ) -> Sequence[Key]:
        """All that a filter leaves; `begun` takes the FIRST of them, as soon as they are known."""
        raise NotImplementedError

    def read_entries(self, repo: Repo, index: Index, keys: Sequence[Key]) -> list[Entry] | None:
        """What the rows of these keys say; None when some are gone."""
        raise NotImplementedError

    def draw_entry(self, entry: Entry, width: int, now: float) -> Line:
        raise NotImplementedError

    def find(self, key: Key, keys: Sequence[Key]) -> int | None:
        """Where the row of a key stands in other keys."""
        return keys.index(key) if key in keys else None

    @property
    def current(self) -> Entry | None:
        """What the row under the cursor says; None while it is being read, and where there is none."""
        return self.entries.get(self.cursor)

    @property
    def is_reading(self) -> bool:
        """Whether the row under the cursor is not here yet."""
        return self.cursor < self.count and self.cursor not in self.entries

    @property
    def key(self) -> Key | None:
        """The key of the row under the cursor."""
        return self.keys[self.cursor] if self.cursor < len(self.keys) else None

    def read(self, repo: Repo, text: str, *, fresh: bool, void: bool = False) -> None:
        """Show what a filter leaves; `fresh`: what waits is noted and indexed before; `void`: what was read before is
        so no longer."""
        self._repo, self._filter = repo, text
        self._read_rows(repo, text, fresh, void)

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def _read_rows(self, repo: Repo, text: str, fresh: bool, void: bool) -> None:
        """The first rows, then all keys, and once more where something that waited was noted. The next filter stops
        the questions for this one."""
        worker = get_current_worker()

        def begun(keys: Sequence[Key]) -> None:
            entries = self.read_entries(repo, index, keys)
            if not worker.is_cancelled and entries is not None:
                self.post_message(self.Begun(text, keys, entries))

        def listed(begun: Callable[[Sequence[Key]], None] | None = None) -> Sequence[Key]:
            with index.stoppable(lambda: worker.is_cancelled):
                return self.list_keys(repo, index, text, begun)

        with Index(repo) as index:
            keys = listed(begun)
            changed = fresh and self._refreshed(repo, index)
            if changed and not worker.is_cancelled:
                keys = listed()
        if not worker.is_cancelled:
            self.post_message(self.Counted(text, keys, changed or void))

    def _refreshed(self, repo: Repo, index: Index) -> bool:
        def complain(text: str) -> None:
            self.post_message(Told(text, error=True))

        def long() -> None:
            self.post_message(self.Reading())

        arrivals.deliver(repo, complain)
        return index.refresh(told=long)

    @on(Reading)
    def tell_reading(self, event: Reading) -> None:
        """Until there are rows."""
        event.stop()
        self.empty = "reading the notes of this repository, which takes a while the first time"
        self.refresh()

    @on(Begun)
    def begin(self, event: Begun) -> None:
        event.stop()
        if event.text != self._filter or (self._listed == event.text and self.count):
            return  # of another filter, or read again: the place is kept, `fill` has what is new
        self._listed = event.text
        self.keys = event.keys
        self.entries = dict(enumerate(event.entries))
        self.show(len(event.entries))

    @on(Counted)
    def fill(self, event: Counted) -> None:
        """The cursor stays on its row where that is still listed."""
        event.stop()
        if event.text != self._filter:
            return
        known = self.key
        found = self.find(known, event.keys) if known is not None else None
        if event.void or event.keys[: len(self.keys)] != self.keys:
            self.entries = {}  # what was read before is void, or of other places
        self.keys = event.keys
        empty = self.nothing_fits if self._filter else self.nothing
        self.show(len(event.keys), cursor=self.cursor if found is None else found, empty=empty)
        self.post_message(self.Filled(self))

    @on(Rows.Wanted)
    def read_more(self, event: Rows.Wanted) -> None:
        event.stop()
        if self._repo is not None:
            self._read_part(self._repo, event.first, self.keys[event.first : event.last])

    @work(thread=True, exclusive=True, exit_on_error=False, group="part")
    def _read_part(self, repo: Repo, first: int, keys: Sequence[Key]) -> None:
        with Index(repo) as index:
            entries = self.read_entries(repo, index, keys)
        if not get_current_worker().is_cancelled:
            self.post_message(self.Came(first, keys, entries))

    @on(Came)
    def take(self, event: Came) -> None:
        event.stop()
        if self.keys[event.first : event.first + len(event.keys)] != event.keys:
            return  # of a filter before this one
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
        return self.draw_entry(self.entries[number], width, self._now()) if number in self.entries else None
