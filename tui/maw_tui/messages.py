"""What workers and widgets tell screens. Each screen has its own beside it; those of all are here."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class Told(Message):
    """A line for the person; `error`: something went wrong. Post it from anywhere: the screen shows it."""

    text: str
    error: bool = False
