"""Works tasks off: one at a time a role, each on a claim that is kept alive while the job runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple

import msgspec

from maw_remote import logs
from maw_remote.engine.interface import Engine, EngineError
from maw_remote.jobs.interface import BadInput, Job, Json
from maw_remote.queue.records import Claim
from maw_remote.runner import identity
from maw_remote.runner.desk import Desk
from maw_remote.runner.emitter import Emitter
from maw_remote.runner.settings import Settings

log = logging.getLogger(__name__)
_LONGEST_WAIT = 60.0


class _Running(NamedTuple):
    claim: Claim
    body: asyncio.Task[Json]


class Executor:
    def __init__(
        self, desk: Desk, jobs: Mapping[str, Job], engine: Engine, settings: Settings,
        *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._desk, self._jobs, self._engine, self.settings = desk, jobs, engine, settings
        self._clock = clock
        self._running: dict[str, _Running] = {}
        self._news = {role: asyncio.Event() for role in {job.ROLE for job in jobs.values()}}
        self._turns = {role: asyncio.Lock() for role in self._news}  # held from a claim to the task's end

    def wake(self) -> None:
        """There may be something to claim."""
        for news in self._news.values():
            news.set()

    def cancel(self, task: str) -> None:
        """Stop the job of a task whose cancel stands in the queue; nothing happens when it does not run."""
        running = self._running.get(task)
        if running is not None:
            running.body.cancel()

    async def run(self) -> None:
        """Work until cancelled; the jobs that run then are cancelled too and stay claimed."""
        async with asyncio.TaskGroup() as group:
            for role in self._news:
                group.create_task(self._work(role))

    @contextlib.asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Within it no task runs: those that run now are waited for, and no other begins."""
        async with contextlib.AsyncExitStack() as stack:
            for turn in self._turns.values():
                await stack.enter_async_context(turn)
            yield

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
            async with self._turns[role]:
                claim = await self._desk.call(self._desk.queue.claim, kinds)
                if claim is not None:
                    await self._do(claim)
            if claim is None:
                await self._wait(role, kinds)

    async def _wait(self, role: str, kinds: list[str]) -> None:
        run_at = await self._desk.call(self._desk.queue.next_run_at, kinds)
        wait = _LONGEST_WAIT if run_at is None else min(max(run_at - self._clock(), 0.0), _LONGEST_WAIT)
        try:
            await asyncio.wait_for(self._news[role].wait(), wait)
        except TimeoutError:
            pass

    async def _do(self, claim: Claim) -> None:
        started = time.monotonic()
        emitter = Emitter(self._desk, claim, self.settings.text_interval)
        body = asyncio.create_task(self._job(claim, emitter))
        self._running[claim.id] = _Running(claim, body)
        try:
            await asyncio.wait({body})
            await emitter.close()
            state = await self._settle(claim, body)
            log.info("task ended", extra=_about(claim) | {"state": state, "s": round(time.monotonic() - started, 3)})
        finally:
            del self._running[claim.id]
            if not body.done():  # the runner stops
                body.cancel()
                await asyncio.wait({body}, timeout=self.settings.stop_timeout)

    async def _job(self, claim: Claim, emitter: Emitter) -> Json:
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


def _about(claim: Claim) -> Json:
    return {"task": claim.id, "kind": claim.kind, "attempt": claim.attempt}
