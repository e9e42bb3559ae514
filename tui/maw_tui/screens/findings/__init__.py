"""Findings across commits, to be settled: accepted, dismissed, fixed, deferred, several at once, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message

from maw.git.repo import Repo
from maw.memory import listing
from maw.memory.index import Index
from maw.memory.triage import Item, Place
from maw.text import count, one_line
from maw_tui.screens.findings.showing import UNREADABLE, About, about, heading
from maw_tui.screens.findings.table import FindingTable
from maw_tui.screens.settling import SETTLING, Meant, SettlingScreen, in_words
from maw_tui.widgets.filterbar import FilterBar, history_filter
from maw_tui.widgets.heading import Heading
from maw_tui.widgets.rows import Rows

_ON_FINDING = frozenset({"open_commit", "select_all"})  # whether or not it can be read
_ON_READABLE = frozenset({"select", "edit", "copy"})


class FindingsScreen(SettlingScreen):
    NAME = "Findings"
    ABOUT = "What reviews found, newest first, each once. What is said of a finding is a note at once."
    PARTS = (Rows,)
    ENTER = "Go to the text of the finding"
    CSS_PATH = "findings.tcss"
    FILTER = "findings"
    BINDINGS: ClassVar[list[BindingType]] = [
        *SETTLING,
        Binding("o", "open_commit", "Commit", tooltip="Open its commit at it, in the history; esc comes back"),
        Binding("slash", "filter", "Filter", tooltip="Filter: status:open severity:error path:src/ some words"),
        Binding("space", "select", "Select", tooltip="Select it: decisions are about all that are selected"),
        Binding("A", "select_all", "Select all", show=False, tooltip="Select all in the list, or none"),
        Binding("e", "edit", "Edit", show=False, tooltip="Open $EDITOR at its line"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy where it is, what it says, and its id"),
    ]

    @dataclass
    class Found(Message):
        """The commit of a finding."""

        commit: str
        finding: str

    @property
    def table(self) -> FindingTable:
        return self.query_one(FindingTable)

    @property
    def current(self) -> Item | None:
        return self.table.current

    def body(self) -> ComposeResult:
        yield history_filter(self.maw.remembered.filter(self.FILTER), of_findings=True)
        with Container(id="findings"):
            with Vertical(id="finding-list"):
                yield Heading(heading)
                yield FindingTable(self.maw.now, id="finding-rows")
            yield About()

    def on_mount(self) -> None:
        self.table.focus()

    # The list

    def reload(self) -> None:
        if self.repo is None:
            self.show_none()
        else:
            self.table.read(self.repo, self.query_one(FilterBar).value, fresh=True)

    @on(FindingTable.Filled)
    def counted(self, event: FindingTable.Filled) -> None:
        event.stop()
        self._tell_count()

    def _tell_count(self) -> None:
        chosen = len(self._chosen)
        selected = f"{chosen:,} selected of " if chosen else ""
        self.query_one(Heading).tell(selected + f"{len(self.table.keys):,}")

    @property
    def _chosen(self) -> list[str]:
        """Those of the selected that the list has: a filter may hide some."""
        selected = self.table.selected
        return [place.finding for place in self.table.keys if place.finding in selected] if selected else []

    @on(Rows.Moved, "#finding-rows")
    def show_item(self, event: Rows.Moved) -> None:
        event.stop()
        if self.current is not None:
            self.query_one(About).tell(about(self.current, self.maw.now()))
        elif not self.table.is_reading:
            self.query_one(About).tell([UNREADABLE] if self.table.count else [])
        self.offer()

    @on(Rows.Chosen, "#finding-rows")
    def read_on(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query_one(About).focus()

    # Decisions

    @property
    def can_settle(self) -> bool:
        return self._is_readable or bool(self._chosen)

    @property
    def _is_readable(self) -> bool:
        """Whether there is a finding under the cursor, as far as is known one that can be read."""
        return self.table.key is not None and not self.table.unreadable

    @property
    def meant(self) -> Meant | None:
        """All that are selected, else the one under the cursor."""
        chosen = self._chosen
        if len(chosen) > 1:
            return Meant(chosen, count(len(chosen), "finding"))
        place, item = self.table.key, self.current
        ids = chosen or ([place.finding] if place is not None and self._is_readable else [])
        named = item is not None and [item.finding.id] == ids
        return Meant(ids, one_line(item.finding.title) if item is not None and named else "1 finding") if ids else None

    def decided(self, ids: Sequence[str]) -> None:
        self.table.selected.difference_update(ids)
        self._tell_count()

    def show_said(self) -> None:
        if self.repo is not None:
            self.table.read(self.repo, self.query_one(FilterBar).value, fresh=False, void=True)

    # Other keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _ON_READABLE:
            return self._is_readable
        return self.table.key is not None if action in _ON_FINDING else super().check_action(action, parameters)

    def offered(self) -> tuple[bool | None, ...]:
        return (*super().offered(), self._is_readable)

    def action_open_commit(self) -> None:
        if self.current is not None:
            self.maw.open_commit(self.current.row.commit, self.current.finding.id)
        elif self.repo is not None and self.table.key is not None:
            self.find_commit(self.repo, self.table.key)

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def find_commit(self, repo: Repo, place: Place) -> None:
        """Of a finding that cannot be read, or is not here yet; there is none when the index changed meanwhile."""
        with Index(repo) as index:
            for row in listing.rows(index, [place.number]):
                self.post_message(self.Found(row.commit, place.finding))

    @on(Found)
    def open_found(self, event: Found) -> None:
        event.stop()
        if self.is_current:  # else somebody went on
            self.maw.open_commit(event.commit, event.finding)

    def action_select(self) -> None:
        if self.table.key is not None:
            self.table.selected ^= {self.table.key.finding}
            self.table.refresh_line(self.table.cursor)
            self.table.action_cursor_down()
            self._tell_count()

    def action_select_all(self) -> None:
        everything = {place.finding for place in self.table.keys}
        self.table.selected = set() if self.table.selected == everything else everything
        self.table.refresh()
        self._tell_count()

    def action_back(self) -> None:
        self.tell("")
        self.table.focus()

    def action_edit(self) -> None:
        if self.repo is not None and self.current is not None:
            self.edit(self.repo, self.current.finding.path, self.current.finding.line)

    def action_copy(self) -> None:
        if self.current is not None:
            self.copy(in_words(self.current.finding))
