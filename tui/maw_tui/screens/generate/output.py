"""What is being written, or was: code is cut at the edge, prose is broken into lines that fit."""

from __future__ import annotations

from collections.abc import Sequence

from maw.review.fold import broken
from maw.review.render import Line
from maw_tui.widgets.page import Page


class Output(Page):
    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._whole: Sequence[Line] = ()
        self._prose = False

    def tell(self, lines: Sequence[Line], *, prose: bool = False) -> None:
        """Show other lines, from their start."""
        self._whole, self._prose = lines, prose
        self.show(self._fitted())

    def go_on(self, lines: Sequence[Line], *, prose: bool = False) -> None:
        """Show these, which have grown; the end stays in sight for who looks at it."""
        self._whole, self._prose = lines, prose
        self.grow(self._fitted())

    def on_resize(self) -> None:
        if self._prose:
            self.show(self._fitted(), keep_place=True)

    def _fitted(self) -> Sequence[Line]:
        if not self._prose:
            return self._whole
        return [part for line in self._whole for part in broken(line, self.room)]
