"""The history: commits with their verdicts, and all about the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from maw.text import one_line
from maw_tui.screens.history.detail import RESTING, Detail
from maw_tui.screens.history.table import CommitTable, heading
from maw_tui.screens.settling import SETTLING, Meant, SettlingScreen, in_words
from maw_tui.widgets.filterbar import FilterBar, history_filter
from maw_tui.widgets.heading import Heading

_ON_COMMIT = frozenset({"copy", "neighbour", "zoom", "other_pane"})


class HistoryScreen(SettlingScreen):
    NAME = "History"
    ABOUT = (
        "Commits with what is recorded on them, newest first. Kinds: R review, M message, G generated, F feedback. "
        "Counts by severity: C critical, E error, W warning, I info."
    )
    PARTS = (CommitTable, Detail)
    CSS_PATH = "history.tcss"
    FILTER = "history"
    BINDINGS: ClassVar[list[BindingType]] = [
        *SETTLING,
        Binding("slash", "filter", "Filter", tooltip="Filter, with the words of `maw history`"),
        Binding("e", "edit", "Edit", tooltip="Open $EDITOR at the line under the cursor"),
        Binding("y", "copy", "Copy", tooltip="Copy the commit's id, or the finding under the cursor"),
        Binding("p", "neighbour('parent')", "Parent", tooltip="The commit before this one"),
        Binding("c", "neighbour('child')", "Child", tooltip="The commit after this one, on the way to HEAD"),
        Binding("s", "beside", "Side by side", show=False, tooltip="Old and new side by side, or in one column"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="The commit on the whole screen, or beside the list"),
        Binding("tab", "other_pane", "Other pane", show=False, tooltip="Between list and commit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._back: str | None = None  # the screen that the commit was opened from
        self._awaited: str | None = None  # that commit, until it is here

    @property
    def table(self) -> CommitTable:
        return self.query_one(CommitTable)

    @property
    def detail(self) -> Detail:
        return self.query_one(Detail)

    def body(self) -> ComposeResult:
        yield history_filter(self.maw.remembered.filter(self.FILTER))
        with Horizontal():
            with Vertical(id="history-list"):
                yield Heading(heading)
                yield CommitTable(self.maw.now, id="history-rows")
            yield Detail(self.maw.now)

    def on_mount(self) -> None:
        if not self.has_class("-reading"):  # a commit may have been asked for before
            self.table.focus()

    def reload(self) -> None:
        if self.repo is None:
            self.show_none()
        else:
            self.table.read(self.repo, self.query_one(FilterBar).value, fresh=True)
            if self.has_class("-reading"):
                self.detail.read_again(self.repo)

    def show_commit(self, oid: str, finding: str | None = None, back: str | None = None) -> None:
        """Open a commit, whether or not it is listed, at one of its findings; `back`: the screen that esc goes to."""
        if self.repo is not None:
            self._read()
            self._back, self._awaited = back, oid
            self.detail.read(self.repo, oid, finding=finding)

    def _read(self) -> None:
        """Have the commit in front."""
        self._back = self._awaited = None
        self.add_class("-reading")
        self.detail.focus()

    @on(CommitTable.Filled)
    def counted(self, event: CommitTable.Filled) -> None:
        event.stop()
        self.query_one(Heading).tell(f"{self.table.count:,}")

    @on(CommitTable.Moved, "#history-rows")
    def rest_on(self, event: CommitTable.Moved) -> None:
        event.stop()
        self.offer()
        entry = self.table.current
        if self.has_class("-reading") and (self.detail.has_focus or self._awaits()):
            return  # what was opened stays: the list goes on by itself when it is read
        if not self.table.count:
            self.detail.fill(None, [])
        elif entry is not None and self.repo is not None and self.detail.display:
            self.detail.read(self.repo, entry.row.commit, RESTING)

    def _awaits(self) -> bool:
        """Whether a commit that was asked for on another screen is still being read."""
        shown = self.detail.commit
        return self._awaited is not None and (shown is None or shown.oid != self._awaited)

    @on(CommitTable.Chosen, "#history-rows")
    def open_commit(self, event: CommitTable.Chosen) -> None:
        event.stop()
        entry = self.table.current
        if entry is not None and self.repo is not None:
            self._read()
            self.detail.read(self.repo, entry.row.commit)

    @on(Detail.Moved, "#history-commit")
    def look_for_finding(self, event: Detail.Moved) -> None:
        event.stop()
        self.offer()

    @on(Detail.Opened)
    def find_row(self, event: Detail.Opened) -> None:
        """Have the list's cursor on what is read, wherever that was opened."""
        entry = self.table.current
        if (
            self.has_class("-reading")
            and self.repo is not None
            and (entry is None or entry.row.commit != event.commit.oid)
        ):
            self.table.look_for(self.repo, event.commit.oid)

    # Decisions

    @property
    def meant(self) -> Meant | None:
        """The finding under the cursor of the commit."""
        here = self.detail.here if self.detail.has_focus else None
        found = here.finding if here is not None else None
        return None if found is None else Meant([found.id], one_line(found.title))

    def show_said(self) -> None:
        if self.repo is not None:
            self.table.read(self.repo, self.query_one(FilterBar).value, fresh=False, void=True)
            self.detail.read_again(self.repo)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "edit":
            return self.detail.has_focus and self.detail.here is not None and bool(self.detail.here.path)
        if action in _ON_COMMIT:
            return self.table.current is not None or (self.detail.has_focus and self.detail.commit is not None)
        return super().check_action(action, parameters)

    def offered(self) -> tuple[bool | None, ...]:
        keys = (("edit", ()), *((action, ()) for action in sorted(_ON_COMMIT)))
        jump = self.detail.check_action("jump", ("finding",))
        return (*super().offered(), jump, *(self.check_action(*key) for key in keys))

    def action_back(self) -> None:
        self.tell("")
        if self.has_class("-reading"):
            back, self._back, self._awaited = self._back, None, None
            self.remove_class("-reading", "-zoomed")
            self.table.focus()
            if back is not None:
                self.maw.action_show(back)

    def action_filter(self) -> None:
        """What it leaves is in sight while it is typed: in a narrow terminal the commit is in front of the list."""
        self._back = self._awaited = None
        self.remove_class("-reading", "-zoomed")
        super().action_filter()

    def action_other_pane(self) -> None:
        if self.detail.has_focus:
            self._back = None
            self.action_back()
            self.table.focus()
        else:
            self.table.action_choose()

    def action_zoom(self) -> None:
        if not self.has_class("-reading"):
            self.table.action_choose()  # what is zoomed is read
        self.toggle_class("-zoomed")

    def action_beside(self) -> None:
        self.detail.switch_columns()

    def action_copy(self) -> None:
        here = self.detail.here if self.detail.has_focus else None
        entry = self.table.current
        if here is not None and here.finding is not None:
            self.copy(in_words(here.finding))
        elif self.detail.has_focus and self.detail.commit is not None:
            self.copy(self.detail.commit.oid)
        elif entry is not None:
            self.copy(entry.row.commit)

    def action_edit(self) -> None:
        here = self.detail.here
        if self.repo is not None and here is not None:
            self.edit(self.repo, here.path, here.number)

    def action_neighbour(self, which: str) -> None:
        shown = self.detail.commit if self.detail.has_focus else None
        entry = self.table.current
        oid = shown.oid if shown is not None else entry.row.commit if entry is not None else None
        if oid is not None and self.repo is not None:
            self._read()
            self.detail.read_neighbour(self.repo, oid, which)
