"""A line to type words into; what is shown follows as they are typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class Filter(Input):
    """Hidden while it is empty and nobody types. Enter keeps the words, escape takes them away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "Clear", show=False)]

    @dataclass
    class Wanted(Message):
        text: str

    class Closed(Message):
        """The focus is to go elsewhere."""

    def __init__(self, text: str = "", placeholder: str = "words to look for") -> None:
        super().__init__(text, placeholder=placeholder, compact=True, id="filter")
        self.set_class(bool(text), "-used")

    def open(self) -> None:
        self.add_class("-used")
        self.focus()

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(event.value))

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close()

    def action_clear(self) -> None:
        self.value = ""
        self._close()

    def _close(self) -> None:
        self.set_class(bool(self.value), "-used")
        self.post_message(self.Closed())
