"""A task's events as text to read: a line for each, and between them what the model wrote."""

from __future__ import annotations

from collections.abc import Iterator

from maw import client, wire
from maw.review.render import Line
from maw.text import flat, one_line
from maw.watch import words
from maw_tui.fold import folded

PARAGRAPHS_KEPT = 5000
_STYLES = {"finding": "warning", "failed": "error", "dead": "error", "restarted": "warning", "done": "good"}

_OF_ALL = {*client.TERMINAL, "restarted"}


class Transcript:
    """What is complete is folded once for a width. Below it is what units are writing: they speak at the same time, and
    each has its own place until it is done."""

    def __init__(self) -> None:
        self._paragraphs: list[tuple[str, str]] = []  # style, text
        self._speaking: dict[str, str] = {}  # by unit, what it has written so far
        self._paths: dict[str, str] = {}  # of units
        self._width = 0
        self._lines: list[Line] = []
        self._folded = 0  # paragraphs that are in _lines

    def add(self, event: wire.Event) -> None:
        unit = _unit(event)
        if event.type == "text":
            self._speaking[unit] = self._speaking.get(unit, "") + str(event.data.get("text", ""))
        elif (line := words.told(event)) is not None:
            self._paths[unit] = str(event.data.get("path") or self._paths.get(unit, ""))
            for ended in list(self._speaking) if event.type in _OF_ALL else [unit]:
                self._complete(ended)
            self._paragraphs.append((_STYLES.get(event.type, "dim"), flat(line)))
        if len(self._paragraphs) > 2 * PARAGRAPHS_KEPT:
            del self._paragraphs[:-PARAGRAPHS_KEPT]
            self._width = 0

    def _complete(self, unit: str) -> None:
        """What a unit has written stands above what is told of it."""
        text = self._speaking.pop(unit, "").strip("\n")
        self._paragraphs += [("plain", part) for part in text.split("\n")] if text else []

    def lines(self, width: int) -> list[Line]:
        if width != self._width:
            self._width, self._lines, self._folded = width, [], 0
        for style, text in self._paragraphs[self._folded :]:
            self._lines += folded(text, width, style)
        self._folded = len(self._paragraphs)
        return [*self._lines, *self._spoken(width)]

    def _spoken(self, width: int) -> Iterator[Line]:
        """What is being written, with the file it is about where several are at it."""
        for unit, text in self._speaking.items():
            if len(self._speaking) > 1:
                yield from folded(one_line(self._paths.get(unit, "")), width, "path")
            yield from folded(text.strip("\n"), width)


def _unit(event: wire.Event) -> str:
    """Which one an event is about; empty for the whole task."""
    finding = event.data.get("finding")
    return str(event.data.get("unit") or (finding.get("unit") if isinstance(finding, dict) else "") or "")
