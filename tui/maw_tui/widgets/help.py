"""All keys of the screen below, by `?`."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from maw_tui.keys import Section
from maw_tui.widgets.vi import SCROLL


class Page(VerticalScroll):
    BINDINGS = SCROLL


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close"),
    ]

    def __init__(self, sections: list[Section]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        page = Page(id="help")
        page.border_subtitle = "j and k scroll, esc closes"
        with page:
            yield Static()

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        width = self.query_one(Page).scrollable_content_region.width - 2  # its bar's, which may be still to come
        parts = [_section(section, width) for section in self._sections]
        self.query_one(Static).update(Content("\n\n").join(parts))


def _section(section: Section, width: int) -> Content:
    """What does not fit goes on below the words it belongs to."""
    names = max((len(" ".join(key.keys)) for key in section.keys), default=0)
    lines = [Content.styled(section.title, "bold $text-primary")]
    lines += Content(section.about).wrap(max(width, 1)) if section.about else []
    for key in section.keys:
        first, *others = Content(key.does).wrap(max(width - names - 4, 8))
        name = (" ".join(key.keys).ljust(names), "bold $text-accent")
        lines += [Content.assemble("  ", name, "  ", first), *(Content(" " * (names + 4)) + part for part in others)]
    return Content("\n").join(lines)
