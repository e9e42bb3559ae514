"""The hunks of a proposal, to be taken or left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from maw.edits.hunks import Choice
from maw.review.render import Line
from maw_tui.screens.generate.telling import MARKS, hunk_row
from maw_tui.widgets.rows import Rows


class HunkList(Rows):
    """All are taken at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Apply", tooltip="Apply the chosen hunks"),
        Binding("space", "flip", "Choose", tooltip="Take the hunk, or leave it"),
        Binding("a", "all(True)", "All", tooltip="Take all hunks"),
        Binding("n", "all(False)", "None", tooltip="Leave all hunks"),
        Binding("escape", "screen.back", "Leave", tooltip="Leave all of it, and be offered nothing any more"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(self._row, id=id)
        self.choices: Sequence[Choice] = ()
        self._taken: set[str] = set()

    def offer(self, choices: Sequence[Choice]) -> None:
        self.choices = choices
        self._taken = {choice.id for choice in choices}
        self.show(len(choices))

    @property
    def taken(self) -> list[str]:
        """The ids of the chosen ones, in the order of the diff."""
        return [choice.id for choice in self.choices if choice.id in self._taken]

    def _row(self, row: int, width: int) -> Line:
        choice = self.choices[row]
        return hunk_row(choice, choice.id in self._taken)

    def action_flip(self) -> None:
        if self.count:
            self._flip(self.cursor)
            self.move_to(self.cursor + 1)

    def _flip(self, row: int) -> None:
        self._taken ^= {self.choices[row].id}
        self.refresh_line(row)

    def on_click(self, event: events.Click) -> None:
        """A click on a hunk's mark takes it, or leaves it; no second click applies anything."""
        event.prevent_default()
        row = self.scroll_offset.y + event.y
        if row < self.count:
            self.move_to(row)
            if event.x < len(MARKS[True]):
                self._flip(row)

    def action_all(self, taken: bool) -> None:
        self._taken = {choice.id for choice in self.choices} if taken else set()
        self.refresh()
