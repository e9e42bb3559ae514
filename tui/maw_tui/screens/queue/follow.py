"""Follow one task: all that it told from its first event on, and what comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer

from maw import client, wire
from maw.errors import FatalError
from maw.review.render import Line
from maw.text import one_line
from maw.watch.board import Seen
from maw.watch.task import Follower
from maw_tui.screens.queue.transcript import Transcript
from maw_tui.widgets.page import Page
from maw_tui.widgets.pane import Pane

GAP = 0.1  # seconds between two pictures


@dataclass
class Happened(Message):
    event: wire.Event


@dataclass
class Interrupted(Message):
    error: FatalError


class FollowScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f", "dismiss", "Close"),
    ]

    def __init__(self, seen: Seen, note: str = "") -> None:
        """`note`: what else there is to say of it."""
        super().__init__()
        self._seen = seen
        self._note = f"  ({note})" if note else ""
        self._transcript = Transcript()
        self._state = "asking"
        self._due: Timer | None = None
        self._follower = Follower(
            seen.node,
            seen.task.id,
            lambda event: self.post_message(Happened(event)),
            lambda error: self.post_message(Interrupted(error)),
        )

    def compose(self) -> ComposeResult:
        yield Pane(id="followed")
        yield Page(id="transcript")

    def on_mount(self) -> None:
        self._follower.start()

    def on_unmount(self) -> None:
        self._follower.stop(wait=False)

    @on(Happened)
    def happened(self, message: Happened) -> None:
        self._transcript.add(message.event)
        kind = message.event.type
        self._state = kind if kind in client.TERMINAL else "following"
        self._later()

    @on(Interrupted)
    def interrupted(self, message: Interrupted) -> None:
        self._state = f"interrupted: {message.error.message}"
        self._later()

    @on(events.Resize)
    def resized(self) -> None:
        self.call_after_refresh(self._paint)

    def _later(self) -> None:
        if self._due is None:
            self._due = self.set_timer(GAP, self._paint)

    def _paint(self) -> None:
        self._due = None
        task = self._seen.task
        head = f"{task.kind} {task.id} on {self._seen.node}: {self._state}   (esc closes)"
        lines = [Line((("head", one_line(head)),)), Line((("dim", one_line(task.title)), ("warning", self._note)))]
        self.query_one("#followed", Pane).show(lines)
        page = self.query_one("#transcript", Page)
        page.grow(self._transcript.lines(page.room))
