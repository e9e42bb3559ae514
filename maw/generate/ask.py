"""Ask a node to write code."""

from __future__ import annotations

from typing import NamedTuple

from maw import asking
from maw.asking import Json, NoAnswer, Told
from maw.edits.answer import MARK
from maw.text import printable


class Answer(NamedTuple):
    """`text` is the model's, as it came: a stranger's. `cut`: it ended at its bound. `mark`: how long its markers are.
    `shown`: the lines of each file that the model saw."""

    text: str
    cut: bool
    mark: int
    model: str
    profile: str
    task: str
    stats: Json
    shown: Json


def ask(node: str, task: Json, *, deadline: float | None = None, told: Told = lambda *_: None) -> Answer:
    """As asking.ask."""
    done = asking.ask(node, task, deadline=deadline, told=told)
    text, mark = done.result.get("answer"), done.result.get("mark", MARK)
    if not isinstance(text, str) or not isinstance(mark, int):
        raise NoAnswer("the node answered with something else than code")
    return Answer(
        text=text,
        cut=done.result.get("cut") is True,
        mark=max(MARK, min(mark, 1000)),
        model=printable(str(done.result.get("model", ""))),
        profile=done.profile,
        task=done.task,
        stats=_object(done.result.get("stats")),
        shown=_object(done.result.get("shown")),
    )


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
