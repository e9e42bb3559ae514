"""vi's keys beside the arrows, for widgets that have the actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

# Lists with a cursor (OptionList, DataTable, Rows).
CURSOR: list[BindingType] = [
    Binding("j", "cursor_down", "Down", show=False),
    Binding("k", "cursor_up", "Up", show=False),
]
# Whatever has lines that may be wider than it is.
SIDEWAYS: list[BindingType] = [
    Binding("right,l", "sideways(1)", "Right", show=False, tooltip="What is cut off at the right"),
    Binding("left,h", "sideways(-1)", "Left", show=False),
]
# Whatever scrolls.
SCROLL: list[BindingType] = [
    Binding("j", "scroll_down", "Down", show=False),
    Binding("k", "scroll_up", "Up", show=False),
    Binding("g", "scroll_home", "Start", show=False),
    Binding("G", "scroll_end", "End", show=False),
    Binding("ctrl+d", "page_down", "Page down", show=False),
    Binding("ctrl+u", "page_up", "Page up", show=False),
]
