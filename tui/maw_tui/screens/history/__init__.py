"""The history: commits with their verdicts, and all about the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from maw.errors import FatalError
from maw.text import one_line
from maw_tui.screens.editing import EditingScreen
from maw_tui.screens.history.detail import RESTING, Detail
from maw_tui.screens.history.table import CommitTable
from maw_tui.widgets.filterbar import FilterBar, history_filter

FILTER = "history"  # what its filter is remembered by


class HistoryScreen(EditingScreen):
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

    @property
    def table(self) -> CommitTable:
        return self.query_one(CommitTable)

    @property
    def detail(self) -> Detail:
        return self.query_one(Detail)

    def body(self) -> ComposeResult:
        yield history_filter(self.maw.remembered.filter(FILTER))
        with Horizontal():
            yield CommitTable(self.maw.now)
            yield Detail(self.maw.now)

    def on_mount(self) -> None:
        self.table.focus()

    def reload(self) -> None:
        if self.repo is None:
            self.tell("this is not a git repository: the history needs one (start maw tui in one, or with --repo)")
        else:
            self.table.read(self.repo, self.query_one(FilterBar).value, fresh=True)
            if self.has_class("-reading"):
                self.detail.lay_out_again(self.repo)

    def show_commit(self, oid: str, finding: str | None = None) -> None:
        """Open a commit, whether or not it is listed, at one of its findings."""
        if self.repo is not None:
            self.add_class("-reading")
            self.detail.focus()
            self.detail.read(self.repo, oid, finding=finding)

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        if self.repo is not None:
            self.tell("")
            self.table.read(self.repo, event.text, fresh=False)
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered(FILTER, event.text))
            self.table.focus()

    @on(CommitTable.Moved, "#history-rows")
    def rest_on(self, event: CommitTable.Moved) -> None:
        event.stop()
        entry = self.table.current
        if not self.table.count:
            self.detail.fill(None, [])
        elif self.has_class("-reading") and self.detail.has_focus:
            return  # what was opened stays: the list goes on by itself when it is read
        elif entry is not None and self.repo is not None and self.detail.display:
            self.detail.read(self.repo, entry.row.commit, RESTING)

    @on(CommitTable.Chosen, "#history-rows")
    def open_commit(self, event: CommitTable.Chosen) -> None:
        event.stop()
        entry = self.table.current
        if entry is not None and self.repo is not None:
            self.add_class("-reading")
            self.detail.focus()
            self.detail.read(self.repo, entry.row.commit)

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out_again)

    def _lay_out_again(self) -> None:
        if self.repo is not None:
            self.detail.lay_out_again(self.repo)

    # Keys

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

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
        if self.repo is not None:
            self.detail.switch_columns(self.repo)

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
        self.edit(self.repo, here.path, here.number)

    def action_neighbour(self, which: str) -> None:
        shown = self.detail.commit if self.detail.has_focus else None
        entry = self.table.current
        oid = shown.oid if shown is not None else entry.row.commit if entry is not None else None
        if oid is not None and self.repo is not None:
            self.add_class("-reading")
            self.detail.focus()
            self.detail.read_neighbour(self.repo, oid, which)
