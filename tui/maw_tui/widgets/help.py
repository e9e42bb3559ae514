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
        with Page(id="help"):
            yield Static(Content("\n\n").join(_section(section) for section in self._sections))


def _section(section: Section) -> Content:
    width = max((len(" ".join(key.keys)) for key in section.keys), default=0)
    lines = [Content.styled(section.title, "bold $text-primary")]
    lines += [Content(section.about)] if section.about else []
    lines += [
        Content.assemble("  ", (" ".join(key.keys).ljust(width), "bold $text-accent"), "  ", key.does)
        for key in section.keys
    ]
    return Content("\n").join(lines)
