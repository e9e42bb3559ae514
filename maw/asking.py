"""Ask a node for something and wait for it, as long as there is time. Standard library only (hook path)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from maw import client
from maw.errors import INCOMPLETE, FatalError, NodeError
from maw.light import Any, NamedTuple
from maw.text import printable

HEARD_MAX = 10_000  # characters of an event's text that are kept, for who wants to know what had come
_CANCEL_TIMEOUT = 1.0  # seconds
_LATE_CANCEL_TIMEOUT = 0.05
_SUBMIT_TIMEOUT = 60.0

Json = dict[str, Any]
Told = Callable[[str, Json], None]


class Answered(NamedTuple):
    """A task that was done: its result as the runner told it, and its id and profile."""

    result: Json
    task: str
    profile: str


class NoAnswer(FatalError):
    """The node did not answer. `late`: there was no time; `partial` is what had come by then."""

    exit_code = INCOMPLETE

    def __init__(self, message: str, *, hint: str | None = None, late: bool = False, partial: str = "") -> None:
        super().__init__(message, hint=hint)
        self.late = late
        self.partial = partial


def ask(node: str, task: Json, *, deadline: float | None = None, told: Told = lambda *_: None) -> Answered:
    """`deadline` is a time.monotonic() value; past it the task is cancelled, as it is by Ctrl-C. `told` hears events.
    Raises NoAnswer, NodeError and ApiError."""
    try:
        submitted = client.submit(node, task, timeout=_left(deadline))
    except NodeError as exc:
        if exc.code == "timeout" and deadline is not None and time.monotonic() >= deadline:
            raise NoAnswer("the deadline passed", late=True) from exc
        raise
    if submitted.get("state") in client.TERMINAL:
        return _read(str(submitted["state"]), submitted, submitted)
    return _follow(node, submitted, deadline, told)


def _follow(node: str, task: Json, deadline: float | None, told: Told) -> Answered:
    written = ""
    task_id = str(task.get("id", ""))
    with _cancelled_unless_ended(node, task_id, deadline) as ended:
        try:
            for event in client.events(node, task_id, deadline=deadline):
                if event.type in client.TERMINAL:
                    ended()
                    return _read(event.type, event.data, task)
                if event.type == "text":
                    written += str(event.data.get("text", ""))[:HEARD_MAX]
                told(event.type, event.data)
        except TimeoutError:
            raise NoAnswer("the deadline passed", late=True, partial=printable(written)) from None
    raise NoAnswer("the event stream ended without an answer")


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


def _read(state: str, data: Json, task: Json) -> Answered:
    result = data.get("result")
    if state != "done" or not isinstance(result, dict):
        error = data.get("error")
        error = error if isinstance(error, dict) else {}
        late = data.get("reason") == "deadline" or error.get("code") == "deadline"
        reason = "the deadline passed" if late else str(error.get("message") or data.get("reason") or state)
        raise NoAnswer(printable(reason), hint=_text(error.get("hint")), late=late)
    return Answered(result, str(task.get("id", "")), str(task.get("profile", "")))


def _text(value: object) -> str | None:
    return printable(value) if isinstance(value, str) else None


def _left(deadline: float | None) -> float:
    return _SUBMIT_TIMEOUT if deadline is None else max(deadline - time.monotonic(), 0.001)
