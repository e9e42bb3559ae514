"""A dialog with a line for each option of a task."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from maw.errors import FatalError
from maw_tui.messages import error_in_words
from maw_tui.screens.generate.finder import Finder
from maw_tui.screens.generate.options import INTO, PATHS, SEVERAL, Option, words

_KEYS = "tab next · → completes · ctrl+o finds a file · enter takes · esc leaves"
_LONGEST = 4000  # characters
Given = Mapping[str, str]  # what was typed, by the option's name
Known = Callable[[str], Sequence[str]]  # what may be meant by an option; called in a thread


class OptionSheet(ModalScreen[Given | None]):
    """What is given for each option, None when it was left. `check` gives it as it is said from then on, in a thread,
    and raises FatalError and OSError for what cannot be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("enter", "take", "Take", priority=True),
        Binding("ctrl+o", "find", "Files", tooltip="Find a file by some of its letters"),
        Binding("tab,down", "app.focus_next", "Next option"),
        Binding("shift+tab,up", "app.focus_previous", "Previous option"),
    ]

    def __init__(
        self, title: str, options: Sequence[Option], before: Given, check: Callable[[str, str], str], known: Known
    ) -> None:
        super().__init__()
        self._heading, self._options, self._before = title, options, before
        self._check, self._known = check, known
        self._wrong: tuple[str, str] = "", ""  # an option, and what is wrong with it

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet") as sheet:
            sheet.border_title = self._heading
            with VerticalScroll(can_focus=False):
                for option in self._options:
                    yield from self._line(option.name)
            yield Static(id="sheet-told", markup=False)
            yield Static(_KEYS, id="sheet-keys", markup=False)

    def _line(self, name: str) -> ComposeResult:
        suggester = _Known(name, self._known)
        with Horizontal():
            yield Static(name, markup=False)
            yield Input(self._before.get(name, ""), id=name, compact=True, max_length=_LONGEST, suggester=suggester)

    @on(Input.Changed)
    def forget(self) -> None:
        """What is being mended is not wrong any more, until it is looked at."""
        self._wrong = "", ""
        self.tell()

    @on(events.DescendantFocus)
    def tell(self) -> None:
        """What is written in the line that has the focus, or what is wrong with it."""
        here = self.focused.id if self.focused is not None else None
        hint = next((option.hint for option in self._options if option.name == here), "")
        name, why = self._wrong
        told = self.query_one("#sheet-told", Static)
        told.update(f"! {why}" if name == here else hint)
        told.set_class(name == here, "-wrong")

    def action_find(self) -> None:
        field = self.focused
        if not isinstance(field, Input) or field.id not in PATHS:
            return
        name, several = field.id, field.id in SEVERAL

        def found(paths: list[str] | None) -> None:
            if paths is not None:
                field.value = shlex.join(paths) if several else next(iter(paths), "")
                field.cursor_position = len(field.value)

        chosen: list[str] = []
        with contextlib.suppress(FatalError):  # a quote is open: then nothing is marked
            chosen = words(field.value) if several else []
        self.app.push_screen(Finder(partial(self._known, name), chosen, new=name == INTO), found)

    async def action_take(self) -> None:
        given = {}
        for field in self.query(Input):
            name = str(field.id)
            try:
                given[name] = await asyncio.to_thread(self._check, name, field.value)
            except (FatalError, OSError) as exc:
                self._wrong = name, f"{name}: {error_in_words(exc)}"
                field.focus()
                self.tell()
                return
        self.dismiss(given)


class _Known(Suggester):
    """Completes what is typed by what is known: where several are given, the last of them."""

    def __init__(self, name: str, known: Known) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._name, self._ask = name, known
        self._known: Sequence[str] | None = None

    async def get_suggestion(self, value: str) -> str | None:
        if self._known is None:
            self._known = await asyncio.to_thread(self._all)
        before, blank, word = value.rpartition(" ") if self._name in SEVERAL else ("", "", value)
        found = next((known for known in self._known if known.startswith(word)), None) if word else None
        return before + blank + found if found is not None else None

    def _all(self) -> Sequence[str]:
        try:
            return self._ask(self._name)
        except (FatalError, OSError):  # nothing is completed then; what is typed is checked in any case
            return ()
