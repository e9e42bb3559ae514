"""The line above: the screens with their numbers, and the repository."""

from __future__ import annotations

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from maw_tui.screens import TITLES
from maw_tui.work import maw_app


class TopBar(Widget):
    """One row; a screen's name can be clicked."""

    ALLOW_SELECT = False

    def render(self) -> Content:
        app = maw_app(self)
        names = Content("  ").join(self._tab(number, name) for number, name in enumerate(TITLES, 1))
        room = self.size.width - names.cell_length - 1
        place = Content.styled(app.place, "$text-muted").truncate(max(room - 1, 0), ellipsis=True)
        return Content.assemble(" ", names, " " * (room - place.cell_length), place)

    def _tab(self, number: int, name: str) -> Content:
        style = "reverse bold" if name == self.app.current_mode else ""
        label = Content.styled(f"{number} {TITLES[name]}", style)
        return label.stylize(Style.from_meta({"@click": f"app.show('{name}')"}))
