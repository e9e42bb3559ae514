"""The line below: the keys that matter now. Textual's own footer mounts a widget a key each time the focus moves, which
is seen over SSH; this one draws a line."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, TextArea

from maw_tui.keys import shown

GAP = 2  # columns between two keys


class KeysBar(Widget):
    """One row; a key can be clicked. What has no room is left out, but for the last one, the help."""

    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        *others, last = self._parts() or [Content("")]
        line, room = Content(" "), self.size.width - last.cell_length - 1
        for part in others:
            if line.cell_length + part.cell_length + GAP > room:
                break
            line = Content.assemble(line, part, " " * GAP)
        return Content.assemble(line, last)

    def _parts(self) -> list[Content]:
        """One part an action that is shown, with its first key. While somebody types, letters are no keys."""
        typing = self.screen.focused if isinstance(self.screen.focused, Input | TextArea) else None
        first: dict[str, Binding] = {}
        for node, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled and (typing in (None, node) or "+" in binding.key):
                first.setdefault(binding.action, binding)
        ordered = sorted(first.values(), key=lambda binding: binding.action == "app.help")
        return [_part(binding) for binding in ordered]


def _part(binding: Binding) -> Content:
    key = Content.styled(binding.key_display or shown(binding.key), "bold $text-accent")
    text = Content.assemble(key, " ", binding.description)
    return text.stylize(Style.from_meta({"@click": f"app.simulate_key('{binding.key}')"}))
