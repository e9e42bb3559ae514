"""Lines that are made to fit, and made anew all the time: only those that changed are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from maw.review.render import Line
from maw_tui.widgets.lines import Painted


class Pane(Painted, can_focus=False):
    """It has no keys and does not scroll: what does not fit is not seen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        before, self._lines = self._lines, lines
        for number in range(min(max(len(before), len(lines)), self.size.height)):
            if before[number : number + 1] != lines[number : number + 1]:
                self.refresh_line(number)

    def line_at(self, number: int) -> Line | None:
        return self._lines[number] if number < len(self._lines) else None
