"""A screen that shows what goes on at the nodes: repainted when there is news, ten times a second at most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.message import Message
from textual.timer import Timer

from maw.watch.board import Picture
from maw_tui.screens.base import MawScreen

GAP = 0.1  # seconds between two pictures
_CALM = 10  # seconds between two pictures while nothing happens, for the ages


@dataclass
class News(Message):
    """Something happened at a node."""

    node: str


class LiveScreen(MawScreen):
    """While a dialog is in front it stands still: what is below one is drawn together with it, all of the screen.
    `ON_ROW` are the actions about what is under the cursor of its list, `offers` those of them that do anything."""

    ON_ROW: ClassVar[frozenset[str]]

    def __init__(self) -> None:
        super().__init__()
        self._offered: Collection[str] = ()
        self._due: Timer | None = None
        self._second = 0
        self._busy = True  # something changes by itself: ages, speeds, the time until the next try

    def on_mount(self) -> None:
        self.maw.live.listen(lambda node: self.post_message(News(node)))
        self.set_interval(1.0, self._each_second)
        self.set_interval(1.0, self.maw.live.sample)  # also while another screen is in front

    def reload(self) -> None:
        """Start watching, or try again at once where a node is away."""
        self.maw.live.start()
        self.maw.live.hurry()
        self.paint()

    def painted(self, pictures: list[Picture]) -> None:
        """Show this."""
        raise NotImplementedError

    def tick(self, second: int) -> None:
        """Called each second while the screen is in front."""

    def offers(self) -> Collection[str]:
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action in self.offers() if action in self.ON_ROW else super().check_action(action, parameters)

    def offer(self) -> None:
        """Have the line of keys show what can be done with what is under the cursor."""
        offered = self.offers()
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def paint(self) -> None:
        pictures = self.maw.live.look()
        self._busy = any(picture.away or picture.count("running") or not picture.known for picture in pictures)
        self.painted(pictures)

    @on(News)
    def news(self) -> None:
        if self._due is None and self.app.screen is self:
            self._due = self.set_timer(GAP, self._paint_now)

    @on(events.ScreenResume)
    def resumed(self) -> None:
        self.paint()

    @on(events.Resize)
    def resized(self) -> None:
        self.call_after_refresh(self.paint)

    def _paint_now(self) -> None:
        self._due = None
        if self.app.screen is self:
            self.paint()

    def _each_second(self) -> None:
        if self.app.screen is not self:
            return
        self._second += 1
        self.tick(self._second)
        if self._busy or self._second % _CALM == 0:
            self.paint()
