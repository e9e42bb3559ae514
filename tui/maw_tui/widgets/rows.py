"""A table of any length with a cursor. It draws the rows that are seen, and asks for those it has not got."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from maw.review.render import Line
from maw_tui.widgets.lines import Painted
from maw_tui.widgets.vi import CURSOR


class Rows(Painted):
    """`draw` gives the line of a row, or None for one that is not here yet; then `Wanted` is posted, once until
    `arrived` or `show` is called."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor", "rows--cursor-blurred"}
    goes_along = False  # the cursor, with the wheel
    BINDINGS: ClassVar[list[BindingType]] = [
        *CURSOR,
        Binding("down", "cursor_down", "Down", show=False),
        Binding("up", "cursor_up", "Up", show=False),
        Binding("pagedown,ctrl+d,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+u,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "choose", "Open"),
    ]

    @dataclass
    class Happened(Message):
        """What a list tells of."""

        rows: Rows

        @property
        def control(self) -> Rows:
            return self.rows

    @dataclass
    class Moved(Happened):
        """The cursor is on another row, or on another content of it."""

        row: int

    @dataclass
    class Chosen(Happened):
        """Enter, or a second click."""

        row: int

    @dataclass
    class Wanted(Happened):
        """These rows are seen and not here: from `first` to before `last`."""

        first: int
        last: int

    def __init__(self, draw: Callable[[int, int], Line | None], *, id: str | None = None) -> None:
        """`draw` takes the row's number and the width there is."""
        super().__init__(id=id)
        self._draw = draw
        self._asked: tuple[int, int] | None = None
        self._keys: Sequence[str] = ()
        self._held = False  # a person has put the cursor where it is
        self.count = 0
        self.cursor = 0
        self.empty = ""  # what is said where there are no rows

    def show(self, count: int, *, cursor: int = 0, empty: str = "", width: int = 0) -> None:
        """There are so many rows now, and the cursor is on this one; `empty` is said where there is none. `width` is
        that of the widest, where rows are not made to fit."""
        self.empty = empty
        if bool(count) != bool(self.count):
            self.call_later(self.screen.refresh_bindings)  # for `check_action`
        self.count = count
        self._asked = None
        self.reach(width, count)
        self.cursor = max(0, min(cursor, count - 1))
        self._follow()
        self.repaint()
        self.post_message(self.Moved(self, self.cursor))

    def renew(self, keys: Sequence[str], empty: str = "") -> None:
        """A list that changes by itself, a moment later; `keys` tell its rows apart. What is another line is drawn, the
        rest stays as it is. The cursor is on the first row until a person has moved it, and then keeps to what is
        there."""
        place = self._place_in(keys) if self._held else 0
        count, cursor = len(keys), max(0, min(place, len(keys) - 1))
        self._keys = keys
        followed = cursor != self.cursor
        self.count, self.cursor, self.empty = count, cursor, empty
        self.reach(0, count)
        if followed:
            self._follow()
        self.repaint()
        self.post_message(self.Moved(self, self.cursor))

    def _place_in(self, keys: Sequence[str]) -> int:
        """Where the row under the cursor is among these; where the cursor is, when it is gone."""
        here = self._keys[self.cursor] if self.cursor < len(self._keys) else None
        return next((number for number, key in enumerate(keys) if key == here), self.cursor)

    def hold(self) -> None:
        """The row under the cursor is the one that is meant, wherever `renew` finds it."""
        self._held = True

    def arrived(self) -> None:
        """Rows that were asked for are here."""
        self._asked = None
        self.refresh()

    def line_at(self, number: int) -> Line | None:
        if number >= self.count:
            return Line((("dim", f" {self.empty}"),)) if number == 0 else None
        line = self._draw(number, self.columns)
        if line is None:
            self._want()
        return line

    def base_style(self, number: int) -> Style:
        if number != self.cursor or not self.count:
            return self.ground
        return self.get_component_rich_style("rows--cursor" if self.has_focus else "rows--cursor-blurred")

    def _want(self) -> None:
        top, height = self.scroll_offset.y, self.size.height
        wanted = max(0, top - height), min(self.count, top + 2 * height)
        if self._asked != wanted:
            self._asked = wanted
            self.post_message(self.Wanted(self, *wanted))

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, and into sight."""
        if not self.count:
            return
        self.hold()
        row = max(0, min(row, self.count - 1))
        if row == self.cursor:
            return
        before, self.cursor = self.cursor, row
        self._follow()
        self.refresh_line(before)
        self.refresh_line(row)
        self.post_message(self.Moved(self, row))

    def _follow(self) -> None:
        self.scroll_to_region(Region(self.scroll_offset.x, self.cursor, 1, 1), animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Where the cursor goes along, it stays in sight: what keys are about is seen."""
        super().watch_scroll_y(old_value, new_value)
        top, height = round(new_value), self.size.height
        if self.goes_along and height and not top <= self.cursor < top + height:
            self.move_to(max(top, min(self.cursor, top + height - 1)))

    def action_cursor_down(self) -> None:
        self.move_to(self.cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_to(self.cursor - 1)

    def action_page(self, direction: int) -> None:
        self.move_to(self.cursor + direction * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(self.count - 1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is no row, none can be opened."""
        return action != "choose" or self.count > 0

    def action_choose(self) -> None:
        if self.count:
            self.hold()
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        row = self.scroll_offset.y + event.y
        if row >= self.count:
            return
        self.move_to(row)
        if event.chain > 1:
            self.action_choose()

    def on_focus(self) -> None:
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        self.refresh_line(self.cursor)
