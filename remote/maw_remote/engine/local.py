"""The engine of this machine: models by name, each in a worker process that is started when it is needed.

What it decides (who is loaded, who leaves) is little yet, and stands between Engine's methods and WorkerProcess.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec
import psutil

from maw import api
from maw.config.load import Config
from maw.errors import FatalError
from maw_remote.engine import catalogue, gguf
from maw_remote.engine.catalogue import Entry
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import EngineError, Field, Request, Text, Token, Usage
from maw_remote.engine.process import HANG_AFTER, WorkerProcess
from maw_remote.engine.pulls import Pulls
from maw_remote.engine.store import Installed, Store

COUNT_MAX = 1 << 20  # characters that a worker counts at a time: others wait for as long, and it hears no cancel


class Settings(NamedTuple):
    """How models are run. `sequences`: requests that are decoded together; `threads` 0:
    physical cores less one; `keep_alive` and `hang_after` in seconds."""

    context: int = 4096
    sequences: int = 4
    threads: int = 0
    gpu_layers: int = -1
    keep_alive: float = 1800.0
    roles: tuple[tuple[str, str], ...] = ()  # (role, model)
    hang_after: float = HANG_AFTER


def settings(config: Config) -> Settings:
    """The engine's settings of a configuration."""
    return Settings(
        context=config.values["runner.context"],
        threads=config.values["runner.threads"],
        gpu_layers=config.values["runner.gpu_layers"],
        keep_alive=config.values["runner.keep_alive"],
        # A name with a slash is a server's model (engine/choice.py).
        roles=tuple(
            (role, config.values[f"roles.{role}"])
            for role in ("manager", "generator")
            if "/" not in config.values[f"roles.{role}"]
        ),
    )


def make_engine(config: Config, store: Store | None = None) -> LocalEngine:
    """The engine that a runner with this configuration uses."""
    return LocalEngine(store or Store(), settings(config))


def batches(texts: Sequence[str], limit: int) -> Iterator[Sequence[str]]:
    """`texts` in order and in parts of at most `limit` characters; a longer text is a part of its own."""
    start = size = 0
    for at, text in enumerate(texts):
        if at > start and size + len(text) > limit:
            yield texts[start:at]
            start, size = at, 0
        size += len(text) + 1
    if texts:
        yield texts[start:]


class LocalEngine:
    """Implements interface.Engine; beyond it, `pin`, `store` and `pulls`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.pulls = Pulls(store)
        self._settings = settings
        self._workers: dict[str, WorkerProcess] = {}
        self._starting: dict[str, asyncio.Task[WorkerProcess]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._pinned: set[str] = set()
        self._turn = asyncio.Lock()  # of the models that compute on the CPU
        self._errors: dict[str, str] = {}
        self._entries: dict[str, Entry] | None = None  # of the last catalogue that could be read
        self.problem: str | None = None  # what is wrong with the catalogue as it stands
        self._reaper: asyncio.Task[None] | None = None

    async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        worker = await self._worker(model)
        message = {"op": "run", **request._asdict(), "program": msgspec.to_builtins(request.program)}
        async with aclosing(worker.ask(message)) as answers:
            async for answer in answers:
                yield _part(answer)

    def parallel(self, model: str) -> int:
        return self._settings.sequences

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        return [number for batch in batches(texts, COUNT_MAX) for number in await self._counts(model, batch)]

    async def _counts(self, model: str, texts: Sequence[str]) -> list[int]:
        worker = await self._worker(model)
        async with aclosing(worker.ask({"op": "count", "texts": texts})) as answers:
            async for answer in answers:
                return list(answer["counts"])
        raise EngineError("worker_lost", f"the worker of {model} gave no answer", retry=True)

    async def context(self, model: str) -> int:
        return (await self._worker(model)).context

    def identity(self, model: str) -> str:
        try:
            manifest = self.store.installed(model)
            if manifest is None:
                return "missing"
            state = os.stat(manifest.path)
        except (FatalError, OSError):
            return "missing"
        content = manifest.sha256
        if (state.st_size, state.st_mtime_ns) != (manifest.bytes, manifest.mtime_ns):
            content = f"changed:{state.st_size}:{state.st_mtime_ns}"  # its checksum is made anew when it is loaded
        return f"{content}:context={self._settings.context}"

    async def load(self, model: str) -> None:
        await self._worker(model)

    async def configure(self, config: Config) -> None:
        """Go on with another configuration, while nothing is asked of any model. What is loaded and would be loaded
        otherwise now is loaded anew, and a role's new model takes the place of the one it had."""
        old, self._settings = self._settings, settings(config)._replace(hang_after=self._settings.hang_after)
        ending, beginning = _moves(old, self._settings, {*self._workers, *self._starting}, self._pinned)
        for model in ending:
            await self.unload(model)
        for model in beginning:
            self._begin(model)

    async def unload(self, model: str) -> None:
        starting = self._starting.pop(model, None)
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
        worker = self._workers.pop(model, None)
        if worker is not None:
            # Whoever waits here may be cancelled; the process is ended and reaped all the same.
            ending = asyncio.create_task(worker.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.shield(ending)

    def pin(self, model: str, pinned: bool) -> None:
        """A pinned model stays loaded however long it idles."""
        if pinned:
            self._pinned.add(model)
        else:
            self._pinned.discard(model)

    def working(self) -> bool:
        return bool(self.pulls.running or self._starting)

    def models(self) -> list[api.Model]:
        entries, installed = self._catalogue(), self.store.all_installed()
        loaded, partials = {*self._workers, *self._starting}, self.store.partials()
        names = [*entries, *sorted({*installed, *loaded, *partials} - set(entries))]
        return [self._model(name, entries.get(name), installed.get(name), partials.get(name)) for name in names]

    def _catalogue(self) -> dict[str, Entry]:
        """What can be had. While the user's file cannot be used (`problem`), what it said before, or what is shipped:
        a slip in it must not stop the models that are here."""
        try:
            self._entries, self.problem = self.store.entries(), None
        except FatalError as exc:
            self.problem = exc.message
        return catalogue.shipped() if self._entries is None else self._entries

    @property
    def context_setting(self) -> int:
        """Tokens of context that models are loaded with, where they were trained for as many."""
        return self._settings.context

    async def close(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        for model in {*self._workers, *self._starting}:
            await self.unload(model)
        if self._ending:
            await asyncio.wait(self._ending)
        await self.pulls.close()

    async def _worker(self, model: str) -> WorkerProcess:
        """The model's worker, started when there is none; many that ask at once start one."""
        worker = self._workers.get(model)
        if worker is not None and not worker.lost:
            return worker
        task = self._starting.get(model)
        if task is None:
            task = self._begin(model)
        try:
            # Who waits may leave; the model is loaded all the same, for the others and the next.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise EngineError("worker_lost", f"{model} was unloaded while it was loading", retry=True) from None
            raise

    def _begin(self, model: str) -> asyncio.Task[WorkerProcess]:
        task = self._starting[model] = asyncio.create_task(self._start(model))
        # Perhaps nobody waits for it; `models` tells the error all the same.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _start(self, model: str) -> WorkerProcess:
        try:
            if (old := self._workers.pop(model, None)) is not None:
                await old.end()
            config = await asyncio.to_thread(self._config, model)
            worker = WorkerProcess(model, config, turn=self._turn, hang_after=self._settings.hang_after)
            await worker.start()
        except EngineError as exc:
            self._errors[model] = exc.message
            raise
        finally:
            self._starting.pop(model, None)
        self._errors.pop(model, None)
        self._workers[model] = worker
        if self._reaper is None:
            self._reaper = asyncio.create_task(self._reap())
        return worker

    def _config(self, model: str) -> dict[str, str | int]:
        """How the model is to be loaded. Reads its header, and the whole file when that is not known yet."""
        path = self._path(model)
        try:
            header = gguf.read_header(path)
        except FileNotFoundError:
            raise _missing(model, f"the file of {model} is gone: {path}") from None
        except gguf.BadModel as exc:
            hint = f"get it again with `maw model rm {model}` and `maw model pull {model}`"
            raise EngineError("model_broken", f"{model} cannot be loaded: {path}: {exc}", hint=hint) from exc
        context = min(self._settings.context, header.context or self._settings.context)
        threads = self._settings.threads or max(1, (psutil.cpu_count(logical=False) or 2) - 1)
        return {
            "path": path, "context": context, "cells": 2 * context, "sequences": self._settings.sequences,
            "threads": threads, "gpu_layers": self._settings.gpu_layers,
        }  # fmt: skip

    def _path(self, model: str) -> str:
        try:
            manifest = self.store.installed(model) or self._by_path(model)
            if manifest is None:
                raise _missing(model, f"{model} is not on this node")
            return self.store.refresh(manifest).path if os.path.exists(manifest.path) else manifest.path
        except FatalError as exc:
            raise EngineError("model_broken", exc.message, hint=exc.hint) from exc

    def _by_path(self, model: str) -> Installed | None:
        """A model of the catalogue that is a file on this machine needs no pull."""
        entry = self._catalogue().get(model)
        if self.problem is not None:
            raise EngineError("bad_catalogue", self.problem, hint="mend that file; models that are here still work")
        return self.store.pull(model, None, lambda *_: None) if entry and entry.scheme == "path" else None

    async def _reap(self) -> None:
        """End workers that idled for keep_alive seconds."""
        while True:
            await asyncio.sleep(min(1.0, max(self._settings.keep_alive, 0.05)))
            limit = time.monotonic() - self._settings.keep_alive
            for model, worker in list(self._workers.items()):
                if model not in self._pinned and not worker.busy and worker.idle_since <= limit:
                    await self.unload(model)

    def _model(self, name: str, entry: Entry | None, manifest: Installed | None, partial: int | None) -> api.Model:
        worker = self._workers.get(name)
        worker = None if worker is None or worker.lost else worker
        error = self._errors.get(name)
        found = api.Model(name=name, state="available", error=error)
        if entry is not None:
            found.source, found.bytes, found.license, found.context = (
                entry.source,
                entry.size,
                entry.license,
                entry.context,
            )
        if manifest is not None:
            error = error or _fault(manifest)
            found = api.Model(
                name=name, state="broken" if error else "installed", source=manifest.source, file=manifest.path,
                bytes=manifest.bytes, sha256=manifest.sha256, license=manifest.license, context=manifest.context,
                error=error,
            )  # fmt: skip
        found.partial = partial
        if entry is not None:
            found.attention, found.reasoning, found.tier = entry.attention, entry.reasoning, entry.tier
        found.pinned = name in self._pinned
        found.roles = [role for role, model in self._settings.roles if model == name]
        if name in self._starting:
            found.state = "loading"
        elif worker is not None:
            found.state, found.context, found.busy = "loaded", worker.context, worker.busy
            found.pid, found.memory = worker.pid, worker.memory()
        return found


def _moves(old: Settings, new: Settings, loaded: set[str], pinned: set[str]) -> tuple[set[str], set[str]]:
    """Which models to end, and then which to load, when settings change."""
    before, after = dict(old.roles), dict(new.roles)
    replaced = {role for role, model in before.items() if model in loaded and after.get(role) != model}
    left = {before[role] for role in replaced} - set(after.values()) - pinned
    changed = (old.context, old.threads, old.gpu_layers) != (new.context, new.threads, new.gpu_layers)
    again = loaded - left if changed else set()
    return left | again, again | ({after[role] for role in replaced if role in after} - loaded)


def _part(answer: Json) -> Text | Field | Usage:
    """A part of an answer, out of its frame."""
    match answer["op"]:
        case "text":
            tokens = tuple(
                Token(bytes(piece), logprob, tuple((bytes(other), number) for other, number in top))
                for piece, logprob, top in answer.get("tokens", ())
            )
            return Text(answer["name"], answer["text"], tokens)
        case "field":
            return Field(*(answer[name] for name in Field._fields))
        case _:
            return Usage(*(answer[name] for name in Usage._fields))


def _missing(model: str, message: str) -> EngineError:
    return EngineError("model_missing", message, hint=f"get it with `maw model pull {model}`; see `maw model list`")


def _fault(manifest: Installed) -> str | None:
    """What is wrong with an installed model's file, as far as a glance tells."""
    try:
        size = os.stat(manifest.path).st_size
    except OSError as exc:
        return f"{manifest.path}: {exc.strerror}"
    if size == manifest.bytes:
        return None
    if not manifest.source.startswith("path:"):
        return f"{manifest.path} has {size:,} bytes, not {manifest.bytes:,}"
    try:  # somebody else's file, which may have been replaced by another one that is whole
        gguf.read_header(manifest.path)
    except (gguf.BadModel, OSError) as exc:
        return f"{manifest.path}: {exc}"
    return None
