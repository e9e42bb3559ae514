"""Ask a node for a commit message. Standard library only (hook path)."""

from __future__ import annotations

from maw import asking
from maw.asking import Answered, Json, NoAnswer, Told
from maw.light import NamedTuple
from maw.text import printable

TEXT_MAX = 10_000  # characters of a suggestion


class Suggestions(NamedTuple):
    """`messages` are whole and fit to be committed; `model` and `profile` wrote them. `data` is the runner's result."""

    messages: tuple[str, ...]
    model: str
    profile: str
    task: str
    data: Json


def ask(node: str, task: Json, *, deadline: float | None = None, told: Told = lambda *_: None) -> Suggestions:
    """As asking.ask. Raises NoAnswer also where the model wrote nothing that can be used."""
    return suggestions(asking.ask(node, task, deadline=deadline, told=told))


def suggestions(done: Answered) -> Suggestions:
    """What a node answered. Raises NoAnswer where nothing of it can be used."""
    found = done.result.get("messages")
    messages = [printable(text)[:TEXT_MAX].strip() for text in found or [] if isinstance(text, str) and text.strip()]
    if not messages:
        raise NoAnswer("the model wrote no message that can be used")
    return Suggestions(tuple(messages), str(done.result.get("model", "")), done.profile, done.task, done.result)
