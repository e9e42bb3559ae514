"""The line that says what went wrong, or what was done."""

from __future__ import annotations

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from maw.text import one_line

NOTE_SECONDS = 6.0  # an error stays until another line, or escape


class StatusLine(Static):
    """Not there while it has nothing to say."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.text = ""
        self._timer: Timer | None = None

    def tell(self, text: str, *, error: bool = False) -> None:
        self.text = one_line(text)
        self.set_class(bool(self.text), "-told")
        self.set_class(error, "-error")
        self.update(Content(f"{'! ' if error else ''}{self.text}"))
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(NOTE_SECONDS, self._away) if self.text and not error else None

    def _away(self) -> None:
        self.tell("")
