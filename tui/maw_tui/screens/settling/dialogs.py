"""What is shown before findings are fixed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from maw.review.render import Line
from maw.text import flat
from maw_tui.widgets.page import Page


class Patch(ModalScreen[bool]):
    """What would be written, before it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Apply"),
        Binding("n,q,escape", "dismiss(False)", "Leave it"),
    ]

    def __init__(self, patch: str) -> None:
        super().__init__()
        self._patch = patch

    def compose(self) -> ComposeResult:
        with Vertical(id="patch"):
            yield Page()
            yield Static(Content.styled("y applies it, n leaves it; nothing is staged", "$text-muted"))

    def on_mount(self) -> None:
        self.query_one(Page).show([_line(text) for text in self._patch.splitlines()])
        self.query_one(Page).focus()


def _line(text: str) -> Line:
    style = {"+": "added", "-": "removed", "@": "hunk"}.get(text[:1], "plain")
    return Line((("path" if text[:4] in ("+++ ", "--- ") else style, flat(text)),))
