"""The pool's decisions carried out: worker processes started, leased, measured and ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from maw_remote.engine import loadable
from maw_remote.engine.apart import apart
from maw_remote.engine.estimate import Plan, estimate
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import CALLED_OFF, EngineError
from maw_remote.engine.learned import Learned
from maw_remote.engine.loadable import Loadable
from maw_remote.engine.pool import CallOff, End, Grant, Load, Pool, Refuse, Rung, Want
from maw_remote.engine.process import WorkerProcess
from maw_remote.engine.settings import Settings, budget
from maw_remote.engine.turns import Turns
from maw_remote.engine.urgency import Urgency, current

log = logging.getLogger(__name__)
_MEASURE_EVERY = 60.0  # seconds between two looks at the memory of a model that works
_REMEMBERED = 20  # evictions that are told


class Eviction(NamedTuple):
    """`at` is seconds since the epoch."""

    at: float
    model: str
    why: str


class Lease:
    """The right to ask a loaded model something; it counts as busy meanwhile."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self._stopped: EngineError | None = None
        self._asked: int | None = None

    async def ask(self, message: Json) -> AsyncGenerator[Json, None]:
        """As WorkerProcess.ask, one question at a time."""
        if self._stopped is not None:
            raise self._stopped
        self._asked = number = self.worker.new_id()
        try:
            async with aclosing(self.worker.ask(message, number)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            self._asked = None

    def urge(self, background: bool) -> None:
        """What is asked is for the background now, or no longer."""
        if self._asked is not None:
            self.worker.urge(self._asked, background)

    def call_off(self, error: EngineError) -> None:
        """Let what is asked, and whatever would be, end with `error`."""
        self._stopped = error
        if self._asked is not None:
            self.worker.call_off(self._asked, error)


class Workers:
    """Worker processes by model. `find` (blocking) tells the file of a model; `settings` may be replaced."""

    def __init__(self, settings: Settings, find: Callable[[str], Loadable]) -> None:
        self.settings = settings
        self.pool = Pool(settings.budget, settings.rules)
        self.processes: dict[str, WorkerProcess] = {}
        self.starting: dict[str, WorkerProcess] = {}  # whose models are being loaded
        self.errors: dict[str, str] = {}  # why a model could not be loaded the last time
        self.evicted: deque[Eviction] = deque(maxlen=_REMEMBERED)
        self.learned = Learned()
        self.gpu = sys.platform == "darwin" and settings.gpu_layers != 0  # until a worker tells
        self._find = find
        self._found: dict[str, Loadable] = {}
        self._looking: dict[str, asyncio.Task[Loadable]] = {}  # for the files of models
        self._costs: dict[str, float] = {}  # seconds that loading took, by file
        self._measured: dict[str, float] = {}  # when
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Lease]] = {}
        self._leases: dict[int, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loads: dict[str, asyncio.Task[None]] = {}
        self._begun: dict[str, asyncio.Task[None]] = {}
        self._turns = Turns()
        self._timer: asyncio.TimerHandle | None = None
        self._budget: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def lease(self, model: str, *, background: bool = False) -> AsyncIterator[Lease]:
        """A loaded model, once it is one: for the background where the task that asks is, or where it says so. Raises
        EngineError."""
        number = next(self._numbers)
        urgency = Urgency(background=True) if background else current()
        try:
            with urgency.heard(lambda changed: self._urge(number, changed)):
                yield await self._admitted(number, model, urgency.background)
        finally:
            self._leases.pop(number, None)
            self._waiting.pop(number, None)
            self.pool.leave(number, time.monotonic())
            self._remeasure(model)
            self.act()

    def _urge(self, number: int, background: bool) -> None:
        """A request is for the background now, or no longer, wherever it is on its way."""
        self.pool.urge(number, background)
        if number in self._leases:
            self._leases[number].urge(background)
        self.act()

    async def end(self, model: str) -> None:
        """End a model's process whatever it does; what is asked of it fails with worker_lost."""
        self.pool.ending(model)
        for work in (self._begun.get(model), self._loads.get(model)):
            if work is not None:
                work.cancel()
                await asyncio.wait([work])
        if model in self.processes:
            # Whoever waits here may be cancelled; the process is ended and reaped all the same.
            await asyncio.shield(self._spawn(self._end(model)))

    def begin(self, model: str) -> None:
        """Load a model though nobody waits for it yet; `errors` tells why it could not be."""
        task = self._begun[model] = self._spawn(self._begin(model))
        task.add_done_callback(lambda _: self._begun.pop(model, None))

    async def _begin(self, model: str) -> None:
        with contextlib.suppress(EngineError):
            async with self.lease(model):
                pass

    def fingerprint(self, model: str) -> str | None:
        """What evaluated tokens of a loaded model depend on; None when it is not loaded."""
        loaded, found = self.pool.models.get(model), self._found.get(model)
        if loaded is None or found is None:
            return None
        plan = loaded.rung.plan
        return f"{found.sha256}:{plan.context}:{plan.cells}:{plan.kv}"

    def pin(self, model: str, pinned: bool) -> None:
        (self.pool.pinned.add if pinned else self.pool.pinned.discard)(model)
        self.act()

    def configure(self, settings: Settings) -> None:
        """Other settings for what is loaded from now on."""
        if settings.budget != self.settings.budget:
            self._budget = None
        self.settings, self.pool.rules = settings, settings.rules
        self._found.clear()
        self.act()

    async def close(self) -> None:
        for model in {*self.processes, *self.loading}:
            await self.end(model)
        if self._timer is not None:
            self._timer.cancel()
        await self.settled()

    async def settled(self) -> None:
        """Wait until what is under way besides requests is over: loads, ends, looks at memory."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def loading(self) -> set[str]:
        return {*self._loads, *self._begun}

    def act(self) -> None:
        """Do what the pool decides, and look again when it may decide otherwise."""
        for action in self.pool.decide(time.monotonic()):
            match action:
                case Grant(number):
                    self._answer(number)
                case Load(model, rung):
                    load = self._loads[model] = self._spawn(self._load(model, rung))
                    load.add_done_callback(partial(self._not_begun, model))
                case End(model, why):
                    self._tell(model, why)
                    self._spawn(self._end(model))
                case Refuse(number, why):
                    self._refuse(number, why)
                case CallOff(number, why):
                    self._leases[number].call_off(EngineError(CALLED_OFF, f"it gave way: {why}", retry=True))
        self._look_again()

    async def _admitted(self, number: int, model: str, background: bool) -> Lease:
        """A lease, once the pool grants it. Many that ask at once start one worker."""
        await self.known_budget()
        found = self._found.get(model) if model in self.pool.models else None
        if found is None:
            found = self._found[model] = await self._look_up(model)
        rungs = loadable.ladder(found, self.settings, self.learned.correct, gpu=self.gpu)
        answer: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        want = Want(number, model, rungs, background, self._costs.get(found.sha256, found.cost))
        self.pool.want(want, time.monotonic())
        self.act()
        return await answer

    async def _look_up(self, model: str) -> Loadable:
        """A model's file. Many that ask at once look once: a file whose checksum is not known is read whole."""
        looking = self._looking.get(model)
        if looking is None:
            looking = self._looking[model] = asyncio.create_task(apart(partial(self._find, model), "look"))
            looking.add_done_callback(partial(self._looked, model))
        try:
            return await asyncio.shield(looking)
        except EngineError as exc:
            self.errors[model] = exc.message
            raise _again(exc) from exc

    def _looked(self, model: str, looking: asyncio.Task[Loadable]) -> None:
        del self._looking[model]
        if not looking.cancelled():
            looking.exception()  # looked at here, since nobody may be waiting any more

    async def known_budget(self) -> None:
        """The machine is asked once, before the first model is loaded."""
        if self._budget is None:
            self._budget = asyncio.create_task(self._ask_machine())
        await asyncio.shield(self._budget)

    async def _ask_machine(self) -> None:
        self.pool.ledger.budget = await asyncio.to_thread(budget, self.settings.budget)

    def _answer(self, number: int) -> None:
        waiting = self._waiting.pop(number)
        model = next(name for name, model in self.pool.models.items() if number in model.requests)
        lease = self._leases[number] = Lease(self.processes[model])
        if not waiting.done():
            waiting.set_result(lease)

    def _refuse(self, number: int, why: str) -> None:
        waiting = self._waiting.pop(number)
        if not waiting.done():
            hint = "unpin or unload a model, choose a smaller one, or raise budget.total; see `maw model ps`"
            waiting.set_exception(EngineError("no_memory", f"there is no room for the model: {why}", hint=hint))

    async def _load(self, model: str, rung: Rung) -> None:
        found = self._found[model]
        worker = WorkerProcess(
            model, self._config(found, rung.plan), turns=self._turns, hang_after=self.settings.hang_after,
            on_lost=lambda gone: self._lost(model, worker, gone),
        )  # fmt: skip
        began = time.monotonic()
        self.starting[model] = worker
        try:
            await worker.start()
        except EngineError as exc:
            self.errors[model] = exc.message
            self._failed(model, exc)
        except asyncio.CancelledError:  # as somebody wanted: nothing is wrong with the model
            self._failed(model, _given_up(model))
        else:
            self.errors.pop(model, None)
            self._costs[found.sha256] = time.monotonic() - began
            self.processes[model], self.gpu = worker, worker.gpu
            self._measured.pop(model, None)
            self.pool.loaded(model, time.monotonic())
            await self._measure(model)
        finally:
            self._loads.pop(model, None)
            self.starting.pop(model, None)
            self.act()

    def _not_begun(self, model: str, load: asyncio.Task[None]) -> None:
        """A load that was called off before its first step has not seen to its end itself."""
        if self._loads.get(model) is load:
            del self._loads[model]
            self._failed(model, _given_up(model))
            self.act()

    def _config(self, found: Loadable, plan: Plan) -> Json:
        return {
            "path": found.path, "context": plan.context, "cells": plan.cells, "sequences": plan.sequences,
            "kv": plan.kv, "prefix_bytes": plan.prefixes, "threads": self.settings.worker_threads,
            "gpu_layers": self.settings.gpu_layers, "embedding": False,
        }  # fmt: skip

    def _failed(self, model: str, error: EngineError) -> None:
        """A model could not be loaded: all who wait for it are told."""
        self.pool.ended(model)
        for want, _ in list(self.pool.waiting.values()):
            if want.model == model:
                self.pool.leave(want.number, time.monotonic())
                waiting = self._waiting.pop(want.number)
                if not waiting.done():
                    waiting.set_exception(_again(error))

    def _lost(self, model: str, worker: WorkerProcess, gone: bool) -> None:
        """A worker fails, and then it is gone. It tells its leases itself; who waits gets a fresh one."""
        if self.processes.get(model) is not worker:
            return
        if gone:
            del self.processes[model]
            self.pool.ended(model)
            self.act()
        else:
            self.pool.ending(model)

    async def _end(self, model: str) -> None:
        if (worker := self.processes.get(model)) is not None:  # it may have died by itself
            await worker.end()

    def _tell(self, model: str, why: str) -> None:
        log.info("a model leaves", extra={"model": model, "why": why})
        self.evicted.append(Eviction(time.time(), model, why))

    def _remeasure(self, model: str) -> None:
        worker = self.processes.get(model)
        if worker is not None and not worker.busy and time.monotonic() - self._measured.get(model, 0) > _MEASURE_EVERY:
            self._measured[model] = time.monotonic()
            self._spawn(self._measure(model))

    async def _measure(self, model: str) -> None:
        """Compare what a model holds with its estimate, and remember the difference. The memory of a GPU is not seen
        from outside, so there the estimate stays."""
        worker, found = self.processes.get(model), self._found.get(model)
        if worker is None or found is None or worker.gpu:
            return
        measured = await asyncio.to_thread(worker.memory)
        if measured is None or model not in self.pool.models:
            return
        plan = self.pool.models[model].rung.plan
        reckoned = estimate(found.header, plan)
        try:
            self.learned.learn(found.sha256, plan, reckoned, measured)
        except OSError as exc:
            log.warning("a model's memory could not be remembered", extra={"model": model, "error": exc.strerror})
        self.pool.correct(model, self.learned.correct(found.sha256, plan, reckoned))
        self.act()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = time.monotonic()
        when = self.pool.next_look(now)
        if when is not None:
            self._timer = asyncio.get_running_loop().call_later(when - now + 0.001, self.act)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _given_up(model: str) -> EngineError:
    return EngineError("worker_lost", f"{model} was unloaded while it was loading", retry=True)


def _again(error: EngineError) -> EngineError:
    """An error for one more who waits: an exception belongs to one traceback."""
    return EngineError(error.code, error.message, hint=error.hint, retry=error.retry)
