"""Event streams (Server-Sent Events). Ids rise over all tasks, so one task's stream and the stream of all resume
alike, with Last-Event-ID."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.response import Stream

from maw.errors import ApiError
from maw_remote.http import views
from maw_remote.http.tasks import TheRunner, known
from maw_remote.runner.runner import Runner

LastEventId = Annotated[str | None, Parameter(header="Last-Event-ID")]
_PLACE_EVERY = 1.0  # seconds between looks at how many tasks come before one that waits, or run beside one that runs
_KEEP_ALIVE = b": keep-alive\n\n"
_HEADERS = {"cache-control": "no-store"}


@get("/tasks/{task_id:str}/events", media_type="text/event-stream")
async def task_events(task_id: str, runner: TheRunner, last_event_id: LastEventId = None) -> Stream:
    """A task's events from the first one, or after Last-Event-ID; ends after the terminal event."""
    after = _after(last_event_id) or 0
    known(await runner.desk.call(runner.desk.queue.get, task_id), task_id)
    return Stream(_task_stream(runner, task_id, after), media_type="text/event-stream", headers=_HEADERS)


@get("/events", media_type="text/event-stream")
async def all_events(runner: TheRunner, last_event_id: LastEventId = None) -> Stream:
    """Events of all tasks from now on, or after Last-Event-ID; does not end by itself."""
    after = _after(last_event_id)
    if after is None:
        after = await runner.desk.call(runner.desk.queue.last_event)
    return Stream(_all_stream(runner, after), media_type="text/event-stream", headers=_HEADERS)


def _after(last_event_id: str | None) -> int | None:
    if last_event_id is None:
        return None
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
        raise ApiError(400, "bad_input", "Last-Event-ID is not one of our event ids")
    return int(last_event_id)


async def _task_stream(runner: Runner, task: str, after: int) -> AsyncIterator[bytes]:
    queue = runner.desk.queue
    place: int | None = None
    beside = 0
    written = time.monotonic()  # events or a keep-alive
    runner.presence.arrive(task)
    try:
        await runner.watched(task)
        with runner.hub.listen(task) as news:
            while not runner.hub.closing:
                news.clear()
                page = await runner.desk.call(queue.events, task, after)
                if page is None:
                    return
                if page.events:
                    after = page.events[-1].id
                    yield b"".join(map(views.sse, page.events))
                    written = time.monotonic()
                if page.ended:
                    return
                if page.events:
                    continue
                before, place = place, await runner.desk.call(queue.ahead, task)
                if place is not None and place != (before or 0):  # who is next need not be told that from the start
                    yield views.place(task, place)
                silent_until = written + runner.settings.keep_alive
                while True:  # of a task that runs, nothing is to be read before there is news
                    if beside != (beside := runner.executor.beside(task)):
                        yield views.beside(task, beside)
                    if await _wait(news, min(_PLACE_EVERY, silent_until - time.monotonic())):
                        break
                    if time.monotonic() >= silent_until:
                        yield _KEEP_ALIVE
                        written = time.monotonic()
                        break
                    if place is not None:
                        break
    finally:
        runner.presence.leave(task)


async def _all_stream(runner: Runner, after: int) -> AsyncIterator[bytes]:
    with runner.hub.listen(None) as news:
        while not runner.hub.closing:
            news.clear()
            events = await runner.desk.call(runner.desk.queue.all_events, after)
            if events:
                after = events[-1].id
                yield b"".join(map(views.sse, events))
            elif not await _wait(news, runner.settings.keep_alive):
                yield _KEEP_ALIVE


async def _wait(news: asyncio.Event, seconds: float) -> bool:
    """True when there is news, False after `seconds` of silence."""
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return False
    return True


HANDLERS = [task_events, all_events]
