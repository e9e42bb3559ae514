"""A dialog that chooses the task: a list that says what each does."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from maw.review.render import Line
from maw_tui.screens.generate.needs import TASKS
from maw_tui.widgets.rows import Rows

_NAMES = list(TASKS)


class TaskChooser(ModalScreen[str | None]):
    """The name of the chosen task, None when it was left. A task's first letter chooses it; the key that opened the
    dialog goes on through the tasks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Leave"),
        Binding("ctrl+t,tab", "step(1)", "Next"),
        Binding("shift+tab", "step(-1)", "Previous"),
        *(Binding(name[0], f"dismiss('{name}')", name) for name in _NAMES),
    ]

    def __init__(self, task: str) -> None:
        super().__init__()
        self._before = task

    def compose(self) -> ComposeResult:
        with Vertical(id="chooser"):
            yield Rows(self._row, id="chooser-rows")
            yield Static(Content("first letter or enter takes · esc leaves"), markup=False)

    def on_mount(self) -> None:
        rows = self.query_one(Rows)
        rows.show(len(_NAMES), cursor=_NAMES.index(self._before))
        rows.focus()

    def _row(self, row: int, width: int) -> Line:
        name = _NAMES[row]
        letter = (("mark", f" {name[0]}"), ("head", f"{name[1:]:<9} "))
        return Line((*letter, ("plain", TASKS[name].about)))

    def action_step(self, step: int) -> None:
        rows = self.query_one(Rows)
        rows.move_to((rows.cursor + step) % len(_NAMES))

    @on(Rows.Chosen)
    def take(self, event: Rows.Chosen) -> None:
        self.dismiss(_NAMES[event.row])
