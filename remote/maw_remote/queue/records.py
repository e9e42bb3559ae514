"""What goes into the queue and what comes out of it. Times are seconds since the epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

Json = dict[str, Any]
LIVE = ("queued", "running")
FINAL = ("done", "failed", "cancelled", "dead")


class NewTask(NamedTuple):
    """A task to submit. `payload` is JSON; `deadline` a point in time; `key` says which tasks are the same work."""

    kind: str
    profile: str
    key: str
    payload: bytes
    priority: int = 100
    title: str = ""
    deadline: float | None = None
    keep: bool = False
    fresh: bool = False
    client: str = ""  # who submits it, '' for one that does not say


class Row(NamedTuple):
    """A task as it stands, without its payload. The fields are the table's columns, in this order.

    `attempt` counts the claims that were not given back; `token` counts all of them, and fences off stale ones.
    `cancel` is the reason of a cancel that a running task has still to follow. `error` is JSON, and so is `clients`:
    how many of the waiters belong to each client that said who it is. `put_off`: it was interactive, until nobody
    waited.
    """

    seq: int
    id: str
    kind: str
    profile: str
    key: str
    state: str
    priority: int
    attempt: int
    token: int
    created: float
    run_at: float
    started: float | None
    finished: float | None
    deadline: float | None
    lease: float | None
    boot: str | None
    cancel: str | None
    keep: int
    waiters: int
    title: str
    error: str | None
    fresh: int
    clients: str
    put_off: int


COLUMNS = ", ".join(Row._fields)


class Submitted(NamedTuple):
    """`joined` is None for a new task, else 'live' or 'answer'."""

    row: Row
    joined: str | None


class Claim(NamedTuple):
    """The right to work on a task until the lease ends; `token` proves it. What is known from before `since` is no
    answer to it: when it was submitted, where that asked for a fresh one, else 0."""

    seq: int
    id: str
    kind: str
    profile: str
    attempt: int
    token: int
    priority: int
    since: float
    payload: bytes


class Event(NamedTuple):
    """`id` rises over all tasks. `data` is the text of a JSON object."""

    id: int
    task: str
    type: str
    ts: float
    data: str


class Pulse(NamedTuple):
    """The answer to a heartbeat: is the lease still ours, and was a cancel asked for (its reason)?"""

    held: bool
    cancel: str | None
