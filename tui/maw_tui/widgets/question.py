"""A question that is answered in a line."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

ANSWER_MAX = 4000  # characters, as of the reason of `maw dismiss`


class Question(ModalScreen[str | None]):
    """The answer; an empty one is one, too, and escape is none. `hint` is what one writes, `keys` what keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, question: str, hint: str, keys: str, answer: str = "") -> None:
        super().__init__()
        self._question, self._hint, self._keys, self._answer = question, hint, keys, answer

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(Content(self._question), markup=False)
            yield Input(self._answer, placeholder=self._hint, max_length=ANSWER_MAX, compact=True)
            yield Static(Content.styled(self._keys, "$text-muted"))

    @on(Input.Submitted)
    def done(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value)
