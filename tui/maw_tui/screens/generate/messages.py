"""What the workers of the Generate screen tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from textual.message import Message

from maw.edits.apply import Applied
from maw.generate.ask import Answer
from maw.generate.explaining import Explanation
from maw.generate.memory.keeping import Made


class Explained(NamedTuple):
    """An answer in prose, and how long it took in seconds."""

    found: Explanation
    answer: Answer
    seconds: float


class Nothing(NamedTuple):
    """There was nothing to do, and why."""

    why: str


Outcome = Made | Explained | Nothing


@dataclass
class Heard(Message):
    """Something happened on the way: the kinds of generation.Means.told, `mapped`, and `found` (lines)."""

    kind: str
    data: Any


@dataclass
class Written(Message):
    """It has ended without trouble; what came of it."""

    outcome: Outcome


@dataclass
class Put(Message):
    """What was accepted is in the working tree; `undone`: what had been is no longer."""

    applied: Applied
    undone: bool = False
