"""A screen with a list of what the notes have, and a filter above it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on

from maw_tui.screens.news import NewsScreen
from maw_tui.screens.paging import PagedRows
from maw_tui.widgets.filterbar import FilterBar

_OUTSIDE = "this is not a git repository: start maw tui in one, or with --repo"


class ListScreen(NewsScreen):
    FILTER: ClassVar[str]  # what its filter is remembered by

    @property
    def table(self) -> PagedRows[Any, Any]:
        """The list."""
        raise NotImplementedError

    def show_none(self) -> None:
        """Outside of a repository."""
        self.table.show(0, empty=_OUTSIDE)

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        if self.repo is not None:
            self.tell("")
            self.table.read(self.repo, event.text, fresh=False)
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered(self.FILTER, event.text))
            self.table.focus()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def copy(self, text: str) -> None:
        """To the clipboard, and say so."""
        self.app.copy_to_clipboard(text)
        self.tell(f"copied: {text}")
