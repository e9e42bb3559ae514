"""Ask a node for a commit message and wait for it, as long as there is time. Standard library only (hook path)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maw import client
from maw.errors import FatalError, NodeError
from maw.light import Any, NamedTuple
from maw.text import printable

TEXT_MAX = 10_000  # characters of a suggestion
_CANCEL_TIMEOUT = 1.0  # seconds
_LATE_CANCEL_TIMEOUT = 0.05
_SUBMIT_TIMEOUT = 60.0

Json = dict[str, Any]


class Suggestions(NamedTuple):
    """`messages` are whole and fit to be committed; `model` and `profile` wrote them. `data` is the runner's result."""

    messages: tuple[str, ...]
    model: str
    profile: str
    task: str
    data: Json


class NoMessage(FatalError):
    """The node did not write one. `late`: there was no time; `partial` is what had come by then."""

    def __init__(self, message: str, *, hint: str | None = None, late: bool = False, partial: str = "") -> None:
        super().__init__(message, hint=hint)
        self.late = late
        self.partial = partial


def ask(
    node: str, task: Json, *, deadline: float | None = None, told: Callable[[str, Json], None] = lambda *_: None
) -> Suggestions:
    """`deadline` is a time.monotonic() value; past it the task is cancelled, as it is by Ctrl-C. `told` hears events.
    Raises NoMessage, NodeError and ApiError."""
    try:
        submitted = client.submit(node, task, timeout=_left(deadline))
    except NodeError as exc:
        if exc.code == "timeout" and deadline is not None and time.monotonic() >= deadline:
            raise NoMessage("the deadline passed", late=True) from exc
        raise
    if submitted.get("state") in client.TERMINAL:
        return _read(str(submitted["state"]), submitted, submitted)
    return _follow(node, submitted, deadline, told)


def _follow(node: str, task: Json, deadline: float | None, told: Callable[[str, Json], None]) -> Suggestions:
    written = ""
    task_id = str(task.get("id", ""))
    with _cancelled_unless_ended(node, task_id, deadline) as ended:
        try:
            for event in client.events(node, task_id, deadline=deadline):
                if event.type in client.TERMINAL:
                    ended()
                    return _read(event.type, event.data, task)
                if event.type == "text":
                    written += str(event.data.get("text", ""))[:TEXT_MAX]
                told(event.type, event.data)
        except TimeoutError:
            raise NoMessage("the deadline passed", late=True, partial=printable(written)) from None
    raise NoMessage("the event stream ended without an answer")


@contextmanager
def _cancelled_unless_ended(node: str, task_id: str, deadline: float | None) -> Iterator[Callable[[], None]]:
    open_ = [True]
    try:
        yield open_.clear
    finally:
        if open_:
            left = _CANCEL_TIMEOUT if deadline is None else deadline - time.monotonic()
            try:
                client.cancel(node, task_id, timeout=min(_CANCEL_TIMEOUT, max(left, _LATE_CANCEL_TIMEOUT)))
            except (FatalError, OSError):
                pass  # a node that cannot be told cancels by itself once nobody watches


def _read(state: str, data: Json, task: Json) -> Suggestions:
    result = data.get("result")
    if state != "done" or not isinstance(result, dict):
        error = data.get("error")
        error = error if isinstance(error, dict) else {}
        late = data.get("reason") == "deadline" or error.get("code") == "deadline"
        reason = "the deadline passed" if late else str(error.get("message") or data.get("reason") or state)
        raise NoMessage(printable(reason), hint=_text(error.get("hint")), late=late)
    found = result.get("messages")
    messages = [printable(text)[:TEXT_MAX].strip() for text in found or [] if isinstance(text, str) and text.strip()]
    if not messages:
        raise NoMessage("the model wrote no message that can be used")
    profile = str(task.get("profile", ""))
    return Suggestions(tuple(messages), str(result.get("model", "")), profile, str(task.get("id", "")), result)


def _text(value: object) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _left(deadline: float | None) -> float:
    return _SUBMIT_TIMEOUT if deadline is None else max(deadline - time.monotonic(), 0.001)
