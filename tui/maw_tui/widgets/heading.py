"""The line above a list: what its columns are, and how many rows it has."""

from __future__ import annotations

from collections.abc import Callable

from maw.review.render import Line
from maw_tui.fold import fit
from maw_tui.widgets.pane import Pane


class Heading(Pane):
    """`columns` names those of a width."""

    def __init__(self, columns: Callable[[int], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._count = ""

    def tell(self, count: str) -> None:
        """Say how many there are."""
        self._count = count
        self.on_resize()

    def on_resize(self) -> None:
        width = self.size.width
        room = max(width - len(self._count) - 2, 0)
        self.show([Line((("dim", f"{fit(self._columns(width), room)} {self._count} "),))] if width else [])
