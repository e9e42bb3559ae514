"""A task's events as text to read: a line for each, and between them what the model writes."""

from __future__ import annotations

from maw import wire
from maw.review.render import Line
from maw.text import flat
from maw.watch import words
from maw_tui.fold import folded

PARAGRAPHS_KEPT = 5000
_STYLES = {"finding": "warning", "failed": "error", "dead": "error", "restarted": "warning", "done": "good"}


class Transcript:
    """Folded lines are kept for a width: only what came since is folded anew."""

    def __init__(self) -> None:
        self._paragraphs: list[tuple[str, str]] = []  # style, text
        self._unit: str | None = None  # whose text the last paragraph is
        self._width = 0
        self._lines: list[Line] = []
        self._folded = 0  # paragraphs that are in _lines, whole

    def add(self, event: wire.Event) -> None:
        if event.type == "text":
            self._write(str(event.data.get("unit", "")), str(event.data.get("text", "")))
        elif (line := words.told(event)) is not None:
            self._unit = None
            self._paragraphs.append((_STYLES.get(event.type, "dim"), flat(line)))
        if len(self._paragraphs) > 2 * PARAGRAPHS_KEPT:
            del self._paragraphs[:-PARAGRAPHS_KEPT]
            self._width = 0

    def lines(self, width: int) -> list[Line]:
        if width != self._width:
            self._width, self._lines, self._folded = width, [], 0
        for style, text in self._paragraphs[self._folded : -1]:
            self._lines += folded(text, width, style)
        self._folded = max(len(self._paragraphs) - 1, 0)
        last = self._paragraphs[-1:]
        return self._lines + [line for style, text in last for line in folded(text, width, style)]

    def _write(self, unit: str, text: str) -> None:
        """Units speak at the same time: when another one goes on, that is a new paragraph."""
        if self._unit != unit:
            self._paragraphs.append(("plain", ""))
            self._unit = unit
        first, *rest = text.split("\n")
        style, before = self._paragraphs[-1]
        self._paragraphs[-1] = (style, before + first)
        self._paragraphs += [("plain", part) for part in rest]
