"""All keys, from the bindings of screens and their parts: for the footer, the help and docs/tui.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding, BindingType

if TYPE_CHECKING:
    from maw_tui.screens.base import MawScreen

_SHOWN = {
    "question_mark": "?", "slash": "/", "colon": ":", "space": "space", "enter": "enter", "escape": "esc",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "pageup": "pgup", "pagedown": "pgdn", "plus": "+", "minus": "-",
    "left_square_bracket": "[", "right_square_bracket": "]", "full_stop": ".", "comma": ",",
    "less_than_sign": "<", "greater_than_sign": ">", "asterisk": "*", "equals_sign": "=", "underscore": "_",
}  # fmt: skip


class Key(NamedTuple):
    """`keys` as people read them, and what they do."""

    keys: tuple[str, ...]
    does: str


class Section(NamedTuple):
    """The keys of one place; `about` is a sentence on what it is for."""

    title: str
    about: str
    keys: list[Key]


def shown(key: str) -> str:
    """A key's name as people read it: `/`, `ctrl+d`, `↓`."""
    *modifiers, name = key.split("+")
    return "+".join([*modifiers, _SHOWN.get(name, name)])


def of(bindings: Iterable[BindingType]) -> list[Key]:
    """One line an action, in the order they are bound; those without a description are not for people."""
    lines: dict[str, Key] = {}
    for binding in Binding.make_bindings(bindings):
        if binding.system or not (binding.tooltip or binding.description):
            continue
        before = lines.get(binding.action, Key((), binding.tooltip or binding.description))
        lines[binding.action] = before._replace(keys=(*before.keys, shown(binding.key)))
    return list(lines.values())


def everywhere() -> Section:
    from maw_tui.app import MawApp
    from maw_tui.screens.base import MawScreen

    return Section("Everywhere", "", of([*MawApp.BINDINGS, *MawScreen.BINDINGS]))


def of_screen(screen: type[MawScreen]) -> Section:
    """A screen's own keys, and those of its parts."""
    parts = [binding for part in screen.PARTS for binding in part.BINDINGS]
    listed = of([*screen.BINDINGS, *parts])
    if screen.ENTER:
        listed = [key._replace(does=screen.ENTER) if key.keys == ("enter",) else key for key in listed]
    return Section(screen.NAME, screen.ABOUT, listed)


def dialogs() -> list[Section]:
    """What opens above a screen; each also says its keys itself."""
    from maw_tui.screens.generate.chooser import TaskChooser
    from maw_tui.screens.generate.finder import Finder
    from maw_tui.screens.generate.sheet import OptionSheet
    from maw_tui.screens.queue.follow import FollowScreen
    from maw_tui.screens.settling.dialogs import Patch
    from maw_tui.widgets.confirm import Confirm
    from maw_tui.widgets.filterbar import FilterBar
    from maw_tui.widgets.vi import SCROLL

    return [
        Section("Filter", "Opened by `/`.", of(FilterBar.BINDINGS)),
        Section("A task's text", "Opened by `f` in the queue.", of([*FollowScreen.BINDINGS, *SCROLL])),
        Section("Patch", "Opened by `f` on a finding.", of([*Patch.BINDINGS, *SCROLL])),
        Section("Yes or no", "Asked before what cannot be taken back.", of(Confirm.BINDINGS)),
        Section("Files", "Opened by `ctrl+o` in Generate.", of(Finder.BINDINGS)),
        Section("Options of Generate", "Opened by `o`.", of(OptionSheet.BINDINGS)),
        Section("Tasks of Generate", "Opened by `ctrl+t`.", of(TaskChooser.BINDINGS)),
    ]


def sections() -> list[Section]:
    """Everything, as docs/tui.md has it."""
    from maw_tui.screens import SCREENS, load

    return [everywhere(), *(of_screen(load(name)) for name in SCREENS), *dialogs()]
