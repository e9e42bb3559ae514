"""Works tasks off: some at a time a role, each on a claim that is kept alive while the job runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple

import msgspec

from maw import api
from maw_remote import logs
from maw_remote.engine.interface import CALLED_OFF, Engine, EngineError
from maw_remote.engine.urgency import Urgency, set_urgency
from maw_remote.jobs.interface import BadInput, Job, Json
from maw_remote.queue.records import Claim
from maw_remote.runner import identity
from maw_remote.runner.desk import Desk
from maw_remote.runner.emitter import Emitter
from maw_remote.runner.pace import Pace
from maw_remote.runner.settings import Settings

log = logging.getLogger(__name__)
_LONGEST_WAIT = 60.0
_LOOK_EVERY = 0.5  # seconds between looks which of the tasks that are waited for nobody waits for any more


class _Running(NamedTuple):
    claim: Claim
    body: asyncio.Task[Json]
    role: str
    urgency: Urgency


class Executor:
    """Per role, as many tasks at once as its model works on together. Interactive ones do not count those of the
    background, which are thus never in their way; the engine has these wait while somebody waits for others."""

    def __init__(
        self, desk: Desk, jobs: Mapping[str, Job], engine: Engine, settings: Settings,
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._desk, self._jobs, self._engine, self.settings = desk, jobs, engine, settings
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._giving_way: set[str] = set()  # of those that run
        self._works: set[asyncio.Task[None]] = set()
        self._news = {role: asyncio.Event() for role in {job.ROLE for job in jobs.values()}}
        self._gates = {role: asyncio.Lock() for role in self._news}  # held while a task is claimed and begun
        self._pace = Pace()

    def wake(self) -> None:
        """There may be something to claim."""
        for news in self._news.values():
            news.set()

    def retry_after(self, waiting: int) -> int:
        """In how many seconds so many waiting tasks will be done."""
        at_once = sum(self._engine.parallel(self.settings.models[role]) for role in self._news)
        return self._pace.wait(waiting, at_once)

    def cancel(self, task: str) -> None:
        """Stop the job of a task whose cancel stands in the queue; nothing happens when it does not run."""
        running = self._running.get(task)
        if running is not None:
            running.body.cancel()

    def prioritise(self, task: str, priority: int) -> None:
        """A task has another priority now; nothing happens when it does not run."""
        running = self._running.get(task)
        if running is not None:
            running.urgency.change(_background(priority))
            self._news[running.role].set()

    def beside(self, task: str) -> int:
        """How many others that somebody waits for run on the same model as a task; 0 when it does not run."""
        running = self._running.get(task)
        if running is None:
            return 0
        others = (other for other in self._running.values() if other is not running and not other.urgency.background)
        return sum(other.role == running.role for other in others)

    async def run(self) -> None:
        """Work until cancelled; the jobs that run then are cancelled too and stay claimed."""
        async with asyncio.TaskGroup() as self._group:
            for role in self._news:
                self._group.create_task(self._work(role))

    @contextlib.asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Within it no task runs, and none begins. Those that somebody waits for are waited for. The others give way:
        one of them may take hours, and who comes meanwhile would wait as long."""
        async with contextlib.AsyncExitStack() as stack:
            for gate in self._gates.values():
                await stack.enter_async_context(gate)
            while self._works:
                self._have_give_way()
                await asyncio.wait(self._works, timeout=_LOOK_EVERY)
            yield

    def _have_give_way(self) -> None:
        """Let tasks of the background go back into the queue."""
        for task, running in self._running.items():
            if running.urgency.background and task not in self._giving_way:
                self._giving_way.add(task)
                running.body.cancel()

    async def beat(self) -> None:
        """Prolong the leases of what runs; stop what was cancelled or taken away."""
        for running in list(self._running.values()):
            pulse = await self._desk.call(self._desk.queue.heartbeat, running.claim)
            if not pulse.held or pulse.cancel is not None:
                running.body.cancel()

    async def _work(self, role: str) -> None:
        kinds = [kind for kind, job in self._jobs.items() if role == job.ROLE]
        while True:
            self._news[role].clear()
            async with self._gates[role]:
                floor = self._floor(role)
                claim = None if floor is None else await self._desk.call(self._desk.queue.claim, kinds, floor)
                if claim is not None:
                    self._begin(claim, role)
            if claim is None:
                await self._wait(role, kinds, floor)

    def _floor(self, role: str) -> int | None:
        """The lowest priority of a task that may begin now; None: none may."""
        running = [running for running in self._running.values() if running.role == role]
        most = self._engine.parallel(self.settings.models[role])
        if sum(not one.urgency.background for one in running) >= most:
            return None
        return 0 if len(running) < most else api.INTERACTIVE

    async def _wait(self, role: str, kinds: list[str], floor: int | None) -> None:
        wait = _LONGEST_WAIT
        if floor is not None:
            run_at = await self._desk.call(self._desk.queue.next_run_at, kinds, floor)
            wait = wait if run_at is None else min(max(run_at - self._clock(), 0.0), wait)
        try:
            await asyncio.wait_for(self._news[role].wait(), wait)
        except TimeoutError:
            pass

    def _begin(self, claim: Claim, role: str) -> None:
        urgency = Urgency(_background(claim.priority))
        emitter = Emitter(self._desk, claim, self.settings.text_interval)
        body = asyncio.create_task(self._job(claim, emitter, urgency))
        self._running[claim.id] = running = _Running(claim, body, role, urgency)
        work = self._group.create_task(self._do(running, emitter))
        self._works.add(work)
        work.add_done_callback(self._ended)

    def _ended(self, work: asyncio.Task[None]) -> None:
        self._works.discard(work)
        self.wake()

    async def _do(self, running: _Running, emitter: Emitter) -> None:
        claim, body = running.claim, running.body
        started = time.monotonic()
        try:
            await asyncio.wait({body})
            await emitter.close()
            state = await self._settle(claim, body)
            took = time.monotonic() - started
            if state == "done":
                self._pace.took(took)
            log.info("task ended", extra=_about(claim) | {"state": state, "s": round(took, 3)})
        finally:
            del self._running[claim.id]
            self._giving_way.discard(claim.id)
            if not body.done():  # the runner stops
                body.cancel()
                await asyncio.wait({body}, timeout=self.settings.stop_timeout)

    async def _job(self, claim: Claim, emitter: Emitter, urgency: Urgency) -> Json:
        set_urgency(urgency)
        job = self._jobs[claim.kind]
        payload = msgspec.json.decode(claim.payload, type=dict)
        profile = identity.profile(job, self._engine, self.settings.models)
        if profile != claim.profile:
            key = identity.key(claim.kind, profile, job, payload)
            await self._desk.call(self._desk.queue.rekey, claim, profile, key)
        log.info("task started", extra=_about(claim))
        model = self.settings.models[job.ROLE]
        return await job.run(
            payload, model=model, profile=profile, engine=self._engine, emit=emitter.emit, since=claim.since
        )

    async def _settle(self, claim: Claim, body: asyncio.Task[Json]) -> str | None:
        """Write down how the job ended; the task's state now, None when the claim was lost meanwhile."""
        queue = self._desk.queue
        if body.cancelled() and claim.id in self._giving_way:
            return await self._desk.call(queue.give_back, claim)
        if body.cancelled():
            called_off = await self._desk.call(queue.cancelled, claim)
            error: Json = {"code": "defect", "message": "the job stopped by itself"}
            return "cancelled" if called_off else await self._desk.call(queue.fail, claim, error, retry=True)
        exc = body.exception()
        if exc is None:
            try:
                return "done" if await self._desk.call(queue.finish, claim, body.result()) else None
            except (TypeError, ValueError) as strange:  # the job's answer is no JSON
                exc = strange
        while isinstance(exc, ExceptionGroup):  # of a job that did several things at once
            exc = exc.exceptions[0]
        if isinstance(exc, EngineError) and exc.code == CALLED_OFF:
            return await self._desk.call(queue.give_back, claim)
        error, retry = _error(exc)
        if error["code"] == "defect":
            said = {"error": type(exc).__name__, "frames": logs.frames(exc.__traceback__)}
            log.error("a job failed unexpectedly", extra=_about(claim) | said)
        return await self._desk.call(queue.fail, claim, error, retry=retry)


def _error(exc: BaseException) -> tuple[Json, bool]:
    """An api.TaskError, and whether a further attempt may help."""
    if isinstance(exc, EngineError):
        error = {"code": exc.code, "message": exc.message}
        return (error | {"hint": exc.hint} if exc.hint else error), exc.retry
    if isinstance(exc, BadInput):
        return {"code": "bad_input", "message": str(exc)}, False
    hint = "`maw-runner logs` on the node has the details; please report them"
    return {"code": "defect", "message": f"a defect in maw: {type(exc).__name__}", "hint": hint}, False


def _background(priority: int) -> bool:
    return priority < api.INTERACTIVE


def _about(claim: Claim) -> Json:
    return {"task": claim.id, "kind": claim.kind, "attempt": claim.attempt}
