"""What workers and widgets tell screens. Each screen has its own beside it; those of all are here."""

from __future__ import annotations

import os
from dataclasses import dataclass

from textual.message import Message

from maw.errors import FatalError


@dataclass
class Told(Message):
    """A line for the person; `error`: something went wrong. Post it from anywhere: the screen shows it."""

    text: str
    error: bool = False


def error_in_words(error: FatalError | OSError) -> str:
    """What a person can mend, in a line."""
    if isinstance(error, FatalError):
        return error.whole
    why = str(error.strerror or error)
    return f"{os.fsdecode(error.filename)}: {why}" if error.filename else why
