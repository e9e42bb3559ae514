"""Errors of workers. Blocking work is done in a thread, and ends in a message:

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def read_rows(self) -> None: ...

What goes wrong there is raised as anywhere else, and becomes a line on the screen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState

if TYPE_CHECKING:
    from maw_tui.app import MawApp


def maw_app(node: MessagePump) -> MawApp:
    """The app of a screen or widget, by its own type."""
    return cast("MawApp", node.app)


class Working:
    """For whatever has workers: screens have it; a widget with workers of its own names it among its bases."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            maw_app(event.worker.node).tell(event.worker.error)
