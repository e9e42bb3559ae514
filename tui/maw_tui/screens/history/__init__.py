"""The history: commits with their verdicts, and all about the one under the cursor."""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.worker import get_current_worker

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import GitError
from maw.memory import arrivals, listing
from maw.memory.index import Index
from maw.review.annotate import Shown
from maw.text import one_line
from maw_tui import words
from maw_tui.editor import edit
from maw_tui.messages import Told
from maw_tui.screens.base import MawScreen
from maw_tui.screens.history import reading
from maw_tui.screens.history.detail import Detail, lines_of
from maw_tui.screens.history.reading import Commit, Entry
from maw_tui.screens.history.table import CommitTable
from maw_tui.widgets.filterbar import FilterBar

FIRST = 100  # rows that are asked for before all of them are counted
RESTING = 0.08  # seconds on a row before all about it is read

FILTER = "history"  # what its filter is remembered by


class HistoryScreen(MawScreen):
    NAME = "History"
    ABOUT = (
        "Commits with what is recorded on them, newest first. Kinds: R review, M message, G generated, F feedback. "
        "Counts by severity: C critical, E error, W warning, I info."
    )
    PARTS = (CommitTable, Detail)
    CSS_PATH = "history.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", tooltip="Filter, with the words of `maw history`"),
        Binding("e", "edit", "Edit", tooltip="Open $EDITOR at the line under the cursor"),
        Binding("y", "copy", "Copy", tooltip="Copy the commit's id, or the finding under the cursor"),
        Binding("p", "neighbour('parent')", "Parent", tooltip="The commit before this one"),
        Binding("c", "neighbour('child')", "Child", tooltip="The commit after this one, on the way to HEAD"),
        Binding("s", "beside", "Side by side", show=False, tooltip="Old and new side by side, or in one column"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="The commit on the whole screen, or beside the list"),
        Binding("tab", "other_pane", "Other pane", show=False, tooltip="Between list and commit"),
    ]

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

    @dataclass
    class Opened(Message):
        """All about a commit."""

        commit: Commit
        lines: list[Shown]

    def __init__(self) -> None:
        super().__init__()
        self._beside: bool | None = None

    @property
    def repo(self) -> Repo | None:
        return self.maw.repo

    @property
    def table(self) -> CommitTable:
        return self.query_one(CommitTable)

    @property
    def detail(self) -> Detail:
        return self.query_one(Detail)

    def body(self) -> ComposeResult:
        yield FilterBar(self.maw.remembered.filter(FILTER))
        with Horizontal():
            yield CommitTable(self.maw.now)
            yield Detail()

    def on_mount(self) -> None:
        self.table.focus()

    # Rows

    def reload(self) -> None:
        if self.repo is None:
            self.tell("this is not a git repository: the history needs one (start maw tui in one, or with --repo)")
        else:
            self.read_rows(self.repo, self.query_one(FilterBar).value, fresh=True)

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def read_rows(self, repo: Repo, text: str, *, fresh: bool) -> None:
        """Read the first rows, then all numbers; `fresh`: what waits is noted and indexed in between."""
        worker = get_current_worker()
        filters = words.read(text, repo).filters
        with Index(repo) as index:
            page = index.history(filters, FIRST)
            if not worker.is_cancelled:
                self.post_message(self.Begun(reading.entries(repo, index, page.rows)))
            changed = fresh and self._refreshed(repo, index)
            numbers = array("q") if worker.is_cancelled else index.numbers(filters)
        if not worker.is_cancelled:
            self.post_message(self.Counted(numbers, changed))

    def _refreshed(self, repo: Repo, index: Index) -> bool:
        def told(text: str, *, error: bool = True) -> None:
            self.post_message(Told(text, error))

        arrivals.deliver(repo, told)
        return index.refresh(told=lambda: told("reading the notes of this repository: a while, once", error=False))

    @on(Begun)
    def show_first(self, event: Begun) -> None:
        self.table.begin(event.entries)

    @on(Counted)
    def show_all(self, event: Counted) -> None:
        filtered = bool(self.query_one(FilterBar).value)
        empty = "nothing recorded that fits" if filtered else "nothing is recorded yet: commit, or `maw review HEAD`"
        self.table.fill(event.numbers, keep_entries=not event.fresh, empty=empty)
        if not event.numbers:
            self.detail.fill(None, [])

    @on(CommitTable.Wanted)
    def read_more(self, event: CommitTable.Wanted) -> None:
        event.stop()
        if event.control is self.table and self.repo is not None:
            self.read_part(self.repo, event.first, self.table.numbers[event.first : event.last])

    @work(thread=True, exclusive=True, exit_on_error=False, group="part")
    def read_part(self, repo: Repo, first: int, numbers: array[int]) -> None:
        with Index(repo) as index:
            rows = listing.rows(index, numbers)
            entries = reading.entries(repo, index, rows) if len(rows) == len(numbers) else None
        if not get_current_worker().is_cancelled:
            self.post_message(self.Came(first, entries))

    @on(Came)
    def show_part(self, event: Came) -> None:
        if event.entries is None:
            self.reload()
        else:
            self.table.take(event.first, event.entries)

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        if self.repo is not None:
            self.tell("")
            self.read_rows(self.repo, event.text, fresh=False)
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered(FILTER, event.text))
            self.table.focus()

    # All about one commit

    @on(CommitTable.Moved, "#history-rows")
    def rest_on(self, event: CommitTable.Moved) -> None:
        event.stop()
        entry = self.table.current
        if entry is not None and self.repo is not None and self.detail.display:
            self.read_commit(self.repo, entry.row.commit, RESTING)

    @on(CommitTable.Chosen, "#history-rows")
    def open_commit(self, event: CommitTable.Chosen) -> None:
        event.stop()
        entry = self.table.current
        if entry is not None and self.repo is not None:
            self.add_class("-reading")
            self.detail.focus()
            self.read_commit(self.repo, entry.row.commit, 0.0)

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def read_commit(self, repo: Repo, oid: str, rest: float) -> None:
        worker = get_current_worker()
        time.sleep(rest)
        if worker.is_cancelled:
            return
        commit = reading.commit(repo, oid, self.maw.now())
        lines = lines_of(commit, self._columns, beside=self._beside)
        if not worker.is_cancelled:
            self.post_message(self.Opened(commit, lines))

    @property
    def _columns(self) -> int:
        """What the commit has room for; as yet, when it is only about to be shown."""
        return self.detail.size.width or self.size.width

    @on(Opened)
    def show_commit(self, event: Opened) -> None:
        self.detail.fill(event.commit, event.lines)

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out_again)

    def _lay_out_again(self) -> None:
        if self.detail.commit is not None and self.repo is not None:
            self.read_commit(self.repo, self.detail.commit.oid, RESTING)

    # Keys

    def action_filter(self) -> None:
        bar = self.query_one(FilterBar)
        bar.add_class("-filled")
        bar.focus()

    def action_back(self) -> None:
        if self.has_class("-reading"):
            self.remove_class("-reading", "-zoomed")
            self.table.focus()
        else:
            self.tell("")

    def action_other_pane(self) -> None:
        if self.detail.has_focus:
            self.action_back()
            self.table.focus()
        else:
            self.table.action_choose()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")
        self.call_after_refresh(self._lay_out_again)

    def action_beside(self) -> None:
        now = self._beside if self._beside is not None else self._columns >= 120
        self._beside = not now
        self._lay_out_again()

    def action_copy(self) -> None:
        here = self.detail.here if self.detail.has_focus else None
        entry = self.table.current
        if here is not None and here.finding is not None:
            found = here.finding
            text = one_line(f"{found.path}:{found.line} {found.severity}: {found.title} ({found.id})")
        elif self.detail.has_focus and self.detail.commit is not None:
            text = self.detail.commit.oid
        elif entry is not None:
            text = entry.row.commit
        else:
            return
        self.app.copy_to_clipboard(text)
        self.tell(f"copied: {text}")

    def action_edit(self) -> None:
        here = self.detail.here
        if self.repo is None or here is None or not here.path:
            raise FatalError("there is no line of a file under the cursor", hint="open a commit and go to its diff")
        edit(self.app, self.repo, here.path, here.number)

    def action_neighbour(self, which: str) -> None:
        shown = self.detail.commit if self.detail.has_focus else None
        entry = self.table.current
        oid = shown.oid if shown is not None else entry.row.commit if entry is not None else None
        if oid is not None and self.repo is not None:
            self.add_class("-reading")
            self.detail.focus()
            self.read_neighbour(self.repo, oid, which)

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def read_neighbour(self, repo: Repo, oid: str, which: str) -> None:
        try:
            found = reading.child(repo, oid) if which == "child" else next(iter(reading.parents(repo, oid)), None)
        except GitError:
            found = None
        if found is None:
            raise FatalError(f"{oid[:10]} has no {which}" + (" on the way to HEAD" if which == "child" else ""))
        commit = reading.commit(repo, found, self.maw.now())
        lines = lines_of(commit, self._columns, beside=self._beside)
        if not get_current_worker().is_cancelled:
            self.post_message(self.Opened(commit, lines))
