"""The runner: queue, executor, streams and housekeeping, put together. It knows jobs and engine by interface only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from maw import api
from maw.errors import ApiError
from maw_remote.engine.interface import Engine, EngineError, Message
from maw_remote.engine.urgency import Urgency, set_urgency
from maw_remote.jobs.interface import BadInput, Job
from maw_remote.queue.intake import Full
from maw_remote.queue.records import LIVE, NewTask, Row, Submitted
from maw_remote.queue.store import Queue
from maw_remote.runner import identity
from maw_remote.runner.desk import Desk
from maw_remote.runner.executor import Executor
from maw_remote.runner.hub import Hub
from maw_remote.runner.pace import Pace
from maw_remote.runner.presence import Presence
from maw_remote.runner.settings import Live

log = logging.getLogger(__name__)
_LARGE = 64 * 1024  # bytes of a payload above which its check may take long enough to leave the loop for it
_PRUNE_EVERY = 3600.0
_WARMING_MAX = 4  # projects at once; more would push each other out again


class Runner:
    """`directory` holds the queue, the hello and the node's id. Start it within a running loop."""

    def __init__(self, directory: str, *, jobs: Mapping[str, Job], engine: Engine, live: Live) -> None:
        self.directory = directory
        self.jobs, self.engine, self.live = jobs, engine, live
        self.settings = settings = live.settings(live.configuration.config)
        self.started = time.time()
        self.hub = Hub()
        self.presence = Presence(settings.grace, settings.patience)
        self.hello = identity.Hello(directory, jobs, engine, settings.models)
        self.leave = asyncio.Event()  # set when the runner wants to end: idle, or its queue is broken
        self._tasks: list[asyncio.Task[None]] = []
        self._warming: set[asyncio.Task[None]] = set()
        self._active = time.monotonic()
        self._engaged = 0  # requests that are worked on without a task
        self._requests = Pace()  # which they take, others' turns among them

    async def start(self) -> None:
        """Open the queue, take back what a dead runner left, and begin to work. Raises FatalError."""
        path = os.path.join(self.directory, "queue.db")
        queue = Queue.open(path, synchronous=self.settings.synchronous, boot=self.hello.boot_id)
        self.desk = Desk(queue, self.hub, self.leave.set)
        reaped = await self.desk.call(queue.reap)
        if reaped:
            log.warning("tasks of a dead runner go on", extra={"tasks": reaped})
        for row in await self.desk.call(queue.live):
            (self.presence.keep if row.keep else self.presence.expect)(row.id)
        self.hello.refresh()
        self.executor = Executor(self.desk, self.jobs, self.engine, self.settings)
        works = (self.executor.run, self._beat, self._tick, self._prune, self._reread)
        self._tasks = [asyncio.create_task(work()) for work in works]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Stop working, give back what runs, and close everything."""
        for task in (*self._tasks, *self._warming):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            released = await self.desk.call(self.desk.queue.release_all)
            log.info("stopped", extra={"requeued": released})
        finally:  # workers must not outlive us, even when the queue is broken
            await self.engine.close()
            await self.desk.close()
            self.hello.remove()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Background work ends only when it is cancelled; anything else is a defect that must not go unnoticed."""
        if not task.cancelled():
            log.error("the runner cannot go on", exc_info=task.exception())
            self.leave.set()

    async def submit(self, request: api.TaskRequest, body_size: int, client: str = "") -> Submitted:
        """Take a task in; durable when this returns. Raises ApiError (400) for what cannot be worked on."""
        self.active()
        job = self._job(request.kind)
        if body_size > _LARGE:
            new = await asyncio.to_thread(self._new_task, job, request)
        else:
            new = self._new_task(job, request)
        try:
            submitted = await self.desk.call(
                self.desk.queue.submit, new._replace(client=client), self.settings.queue_max
            )
        except Full:
            raise busy(self.settings.queue_max, self.executor.retry_after(self.settings.queue_max)) from None
        self._expect(submitted)
        return submitted

    def _new_task(self, job: Job, request: api.TaskRequest) -> NewTask:
        try:
            job.check(request.payload)
            profile = identity.profile(job, self.engine, self.settings.models)
            key = identity.key(request.kind, profile, job, request.payload)
            title = job.title(request.payload)
        except BadInput as exc:
            raise ApiError(400, "bad_input", str(exc)) from exc
        return NewTask(
            kind=request.kind, profile=profile, key=key, payload=msgspec.json.encode(request.payload),
            priority=priority(request.priority), title=title, deadline=deadline(request.deadline),
            keep=request.keep, fresh=request.fresh,
        )  # fmt: skip

    def _expect(self, submitted: Submitted) -> None:
        row = submitted.row
        if row.keep:
            self.presence.keep(row.id)
        elif row.state in LIVE:
            self.presence.expect(row.id)
        if submitted.joined is None:
            self.executor.wake()
        else:
            self.executor.prioritise(row.id, row.priority)

    async def retry(self, task: str, client: str = "") -> Submitted | None:
        """An ended task's work anew. None: no such task. Raises ApiError (409) while it is live."""
        self.active()
        row = await self.desk.call(self.desk.queue.get, task)
        if row is None:
            return None
        job = self.jobs.get(row.kind)
        if row.state in LIVE or job is None:
            why = "is still live" if job else f"is of kind {row.kind!r}, which this runner does not know"
            raise ApiError(409, "conflict", f"task {task} {why}")
        payload = await self.desk.call(self.desk.queue.payload, row.seq)
        profile = identity.profile(job, self.engine, self.settings.models)
        key = await asyncio.to_thread(identity.key, row.kind, profile, job, payload)
        submitted = await self.desk.call(self.desk.queue.again, task, profile, key, client)
        if submitted is not None:
            self._expect(submitted)
        return submitted

    async def cancel(
        self, task: str, *, force: bool, waiter: bool = True, client: str = "", reason: str = "cancelled"
    ) -> Row | None:
        """One waiter leaves, or with `force` all do; for `waiter` see the queue. None: no such task."""
        self.active()
        cancel = self.desk.queue.cancel
        row = await self.desk.call(cancel, task, reason=reason, force=force, waiter=waiter, client=client)
        if row is not None and row.cancel is not None:
            self.executor.cancel(task)
        return row

    async def prioritise(self, task: str, priority: int) -> Row | None:
        """Give a live task another priority. None: no such task."""
        return self._as_urgent(await self.desk.call(self.desk.queue.set_priority, task, priority))

    async def watched(self, task: str) -> Row | None:
        """Somebody watches a task (again). None: it was not put off."""
        return self._as_urgent(await self.desk.call(self.desk.queue.take_up, task))

    async def _give_way(self, task: str) -> None:
        """Nobody waits for a task at the moment."""
        self._as_urgent(await self.desk.call(self.desk.queue.put_off, task))

    def _as_urgent(self, row: Row | None) -> Row | None:
        """Have the executor know a priority that was changed. The queue's calls keep their order, and so does this."""
        if row is not None:
            self.executor.prioritise(row.id, row.priority)
        return row

    def warm(self, request: api.WarmRequest) -> str:
        """Begin to evaluate in the background what tasks of this kind share, or only to load the manager's model; the
        model's name. Raises ApiError (400)."""
        self.active()
        job = None if request.kind is None else self._job(request.kind)
        model = self.settings.models["manager" if job is None else job.ROLE]
        try:
            shared = [] if job is None else job.warm(request.payload)
        except BadInput as exc:
            raise ApiError(400, "bad_input", str(exc)) from exc
        if len(self._warming) < _WARMING_MAX:
            task = asyncio.create_task(self._warm(model, shared))
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)
        return model

    async def _warm(self, model: str, shared: Sequence[Message]) -> None:
        set_urgency(Urgency(background=True))
        try:
            await (self.engine.warm(model, shared) if shared else self.engine.load(model))
        except EngineError as exc:
            log.warning("a model could not be warmed", extra={"model": model, "code": exc.code})

    def _job(self, kind: str) -> Job:
        """The job of a kind. Raises ApiError (400)."""
        job = self.jobs.get(kind)
        if job is None:
            known = ", ".join(sorted(self.jobs))
            raise ApiError(400, "bad_input", f"this runner does not know tasks of kind {kind!r}", hint=known)
        return job

    @contextlib.contextmanager
    def engaged(self) -> Iterator[None]:
        """Within it the runner is at work, though for no task: it does not leave. Raises EngineError (busy) when as
        much is under way as may be."""
        self.active()
        most = self.settings.queue_max
        if self._engaged >= most:
            message = f"{most} requests are under way already, and no more may be (runner.queue_max)"
            raise EngineError("busy", message, retry=True, retry_after=self._requests.wait())
        self._engaged += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self._engaged -= 1
            self._requests.took(time.monotonic() - started)
            self.active()

    def active(self) -> None:
        """Somebody needs the runner: idleness starts anew."""
        self._active = time.monotonic()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.settings.heartbeat)
            await self.executor.beat()
            if await self.desk.call(self.desk.queue.expire):
                self.executor.wake()
            self.hello.refresh()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self.settings.tick)
            for row in await self.desk.call(self.desk.queue.cancel_overdue):
                self.executor.cancel(row.id)
            for task in self.presence.lonely():
                if not self.presence.watched(task):  # by somebody who came while those before it were put off
                    await self._give_way(task)
            for task in self.presence.missing():
                await self.cancel(task, force=True, reason="nobody waits for it")
            if self.settings.idle_exit and await self._idle():
                log.info("idle for long enough: leaving")
                self.leave.set()

    async def _reread(self) -> None:
        """Take a changed configuration over, between two tasks."""
        while True:
            await asyncio.sleep(self.settings.tick)
            if self.live.configuration.look():
                async with self.executor.pause():
                    self.live.configuration.look()  # it may have changed again while a task was waited for
                    await self._take_over()

    async def _take_over(self) -> None:
        config = self.live.configuration.take()
        if config is None:
            return
        self.settings = self.executor.settings = self.live.settings(config)
        self.hello.models = self.settings.models
        await self.live.apply(config)
        self.hello.refresh()
        log.info("the settings were read again", extra={"restart_for": self.live.configuration.fixed()})

    async def _idle(self) -> bool:
        counts: dict[str, Any] = await self.desk.call(self.desk.queue.counts)
        if self.hub.streams or self._engaged or self.engine.working() or any(counts.get(state) for state in LIVE):
            self.active()
        return time.monotonic() - self._active >= self.settings.idle_exit

    async def _prune(self) -> None:
        while True:
            before = time.time() - self.settings.retention
            while await self.desk.call(self.desk.queue.prune, before):
                await asyncio.sleep(0.01)  # let submits in between
            await asyncio.sleep(_PRUNE_EVERY)


def busy(limit: int, retry_after: int) -> ApiError:
    """The refusal of what would have to wait behind `limit` others."""
    return ApiError(
        503, "busy", f"{limit} tasks wait already, and no more may (runner.queue_max)", retry_after=retry_after,
        hint="`maw queue list` shows them; try again later",
    )  # fmt: skip


def priority(value: int | str) -> int:
    """A priority's number. Raises ApiError (400)."""
    number = api.PRIORITIES.get(value) if isinstance(value, str) else value
    if number is None or not 0 <= number <= 1000:
        words = ", ".join(api.PRIORITIES)
        raise ApiError(400, "bad_input", f"not a priority: {value!r}", hint=f"a number from 0 to 1000, or {words}")
    return number


def deadline(seconds: float | None) -> float | None:
    """The point in time `seconds` from now. Raises ApiError (400)."""
    if seconds is None:
        return None
    if not 0 < seconds <= 366 * 86400:
        raise ApiError(400, "bad_input", "a deadline is a positive number of seconds, at most a year")
    return time.time() + seconds
