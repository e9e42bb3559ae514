"""The line where a filter is typed, which is applied with every key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from maw_tui.words import CHOICES, NAMES, SAID

_HINT = "words, severity:error, path:src/, author:anna, since:7d …"


class FilterBar(Input):
    """Seen while it has the focus or a text. Enter keeps the filter, escape drops it. `hint` is said where there is no
    text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Drop the filter", tooltip="Drop the filter"),
        Binding("enter", "submit", "Keep it", tooltip="Keep the filter, and go to the list"),
    ]

    @dataclass
    class Asked(Message):
        """The filter is another one; `kept`: the typing is done."""

        text: str
        kept: bool = False

    def __init__(self, text: str, hint: str, suggester: Suggester | None = None) -> None:
        super().__init__(text, placeholder=hint, compact=True, suggester=suggester)
        self.set_class(bool(text), "-filled")

    def open(self) -> None:
        self.add_class("-filled")
        self.focus()

    def action_drop(self) -> None:
        self.value = ""
        self.post_message(self.Asked("", kept=True))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.set_class(bool(self.value), "-filled")
        self.post_message(self.Asked(self.value))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Asked(self.value, kept=True))


def history_filter(text: str, *, of_findings: bool = False) -> FilterBar:
    """One for the words of `maw history`."""
    return FilterBar(text, _HINT, _Words(of_findings))


class _Words(Suggester):
    """Completes the names of filters and their choices."""

    def __init__(self, of_findings: bool) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._choices = CHOICES | ({"status": SAID} if of_findings else {})

    async def get_suggestion(self, value: str) -> str | None:
        before, blank, word = value.rpartition(" ")
        name, colon, start = word.partition(":")
        if not word:
            return None
        options = self._choices.get(name, ()) if colon else tuple(f"{known}:" for known in NAMES)
        wanted = start if colon else word
        found = next((option for option in options if option.startswith(wanted)), None)
        return None if found is None else before + blank + (f"{name}:{found}" if colon else found)
