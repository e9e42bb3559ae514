"""The hunks of a proposal, to be taken or left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from maw.edits.hunks import Choice
from maw.review.render import Line
from maw_tui.screens.generate.telling import hunk_row
from maw_tui.widgets.rows import Rows


class HunkList(Rows):
    """All are taken at first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Apply", tooltip="Apply the chosen hunks"),
        Binding("space", "flip", "Choose", tooltip="Take the hunk, or leave it"),
        Binding("a", "all(True)", "All", tooltip="Take all hunks"),
        Binding("n", "all(False)", "None", tooltip="Leave all hunks"),
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
            self._taken ^= {self.choices[self.cursor].id}
            self.refresh()
            self.move_to(self.cursor + 1)

    def action_all(self, taken: bool) -> None:
        self._taken = {choice.id for choice in self.choices} if taken else set()
        self.refresh()
