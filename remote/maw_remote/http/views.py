"""How the queue's rows and events look from outside."""

from __future__ import annotations

import json
from typing import Any

from maw import api
from maw.text import rfc3339
from maw_remote.queue.records import Event, Row

when = rfc3339  # how the API tells times


def task(row: Row, result: dict[str, Any] | None = None, *, joined: bool = False) -> api.Task:
    error = json.loads(row.error) if row.error else None
    waits = row.state == "queued" and row.run_at > row.created
    return api.Task(
        id=row.id, kind=row.kind, state=row.state, key=row.key, profile=row.profile,  # type: ignore[arg-type]
        priority=row.priority, attempt=row.attempt, created=when(row.created),
        started=_when(row.started), finished=_when(row.finished), deadline=_when(row.deadline),
        run_at=when(row.run_at) if waits else None, title=row.title, result=result,
        error=api.TaskError(**error) if error else None, joined=joined,
        cancelling=row.state == "running" and row.cancel is not None,
    )  # fmt: skip


def sse(event: Event) -> bytes:
    """One event of a stream, as bytes."""
    common = json.dumps({"v": 1, "task": event.task, "ts": when(event.ts)}, separators=(",", ":"))
    data = common if event.data == "{}" else f"{common[:-1]},{event.data[1:]}"
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n".encode()


def place(task: str, ahead: int) -> bytes:
    """How many tasks come before a waiting one. That is so now only, hence no id: nobody resumes after it."""
    return _now("waiting", {"v": 1, "task": task, "ahead": ahead})


def beside(task: str, others: int) -> bytes:
    """How many tasks that somebody waits for have the model to share with a running one, likewise."""
    return _now("sharing", {"v": 1, "task": task, "others": others})


def _now(kind: str, data: dict[str, str | int]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _when(seconds: float | None) -> str | None:
    return None if seconds is None else when(seconds)
