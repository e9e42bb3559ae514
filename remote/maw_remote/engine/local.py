"""The engine of this machine: models by name, each in a worker process that is started when it is needed.

Who is loaded and who leaves is decided in pool.py and done in workers.py; what stands here is what jobs may ask.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from maw import api
from maw.config.load import Config
from maw.errors import FatalError
from maw_remote.engine import accounts, catalogue, listing, loadable, prefixes, questions
from maw_remote.engine.catalogue import Entry
from maw_remote.engine.frames import Json
from maw_remote.engine.interface import EngineError, Field, Message, Request, Text, Usage
from maw_remote.engine.loadable import Loadable
from maw_remote.engine.prefixes import Place, PrefixStore
from maw_remote.engine.pulls import Pulls
from maw_remote.engine.settings import Settings, settings
from maw_remote.engine.store import Installed, Store
from maw_remote.engine.urgency import in_background
from maw_remote.engine.workers import Workers

COUNT_MAX = 1 << 20  # characters that a worker counts at a time: others wait for as long, and it hears no cancel
EMBEDDED_MAX = 128  # texts whose vectors are told in one frame: a thousand of a large model's would not fit into one
_TRIM_EVERY = 30.0  # seconds between two looks at the size of the prefixes on the disk


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
    """Implements interface.Engine; beyond it, `pin`, `store`, `pulls` and `workers`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.pulls = Pulls(store)
        self.workers = Workers(settings, self._find)
        self.prefixes = PrefixStore(limit=settings.prefix_disk)
        self._trimmed = 0.0
        self._entries: dict[str, Entry] | None = None  # of the last catalogue that could be read
        self.problem: str | None = None  # what is wrong with the catalogue as it stands

    @property
    def settings(self) -> Settings:
        return self.workers.settings

    async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        async with self.workers.lease(model, background=request.background) as lease:
            request = request._replace(background=request.background or in_background())
            place = self._place(model, request.messages[: request.shared], request.adapter)
            async with aclosing(lease.ask(questions.asked(request, place))) as answers:
                async for answer in answers:
                    yield questions.told(answer)
            await self._placed(place, answer)

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        return [number for batch in batches(texts, COUNT_MAX) for number in await self._counts(model, batch)]

    async def _counts(self, model: str, texts: Sequence[str]) -> list[int]:
        return list((await self._one(model, {"op": "count", "texts": texts}))["counts"])

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        parts = [texts[at : at + EMBEDDED_MAX] for at in range(0, len(texts), EMBEDDED_MAX)]
        return [vector for part in parts for vector in await self._vectors(model, part)]

    async def _vectors(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        return list((await self._one(model, {"op": "embed", "texts": texts}))["vectors"])

    async def warm(self, model: str, messages: Sequence[Message]) -> None:
        async with self.workers.lease(model, background=True) as lease:
            place = self._place(model, messages, None)
            message: Json = {"op": "warm", "messages": messages, "adapter": None, "background": True}
            message["prefix"] = place._asdict()
            async with aclosing(lease.ask(message)) as answers:
                async for answer in answers:
                    await self._placed(place, answer)

    async def _one(self, model: str, message: Json) -> Json:
        """The answer to a question that has one."""
        async with (
            self.workers.lease(model) as lease,
            aclosing(lease.ask({**message, "background": in_background()})) as answers,
        ):
            async for answer in answers:
                return answer
        raise EngineError("worker_lost", f"the worker of {model} gave no answer", retry=True)

    async def context(self, model: str) -> int:
        async with self.workers.lease(model) as lease:
            return lease.worker.context

    def parallel(self, model: str) -> int:
        return self.settings.sequences

    def identity(self, model: str) -> str:
        try:
            manifest = self.store.installed(model)
            path = manifest.path if manifest is not None else self._unread(model)
            if path is None:
                return "missing"
            state = os.stat(path)
        except (FatalError, OSError):
            return "missing"
        return f"{_content(manifest, path, state)}:context={self.settings.context}:kv={self.settings.kv}"

    def _unread(self, model: str) -> str | None:
        """The file of a model that needs no pull, and that nobody has used yet."""
        entry = self._catalogue().get(model)
        return entry.rest if entry is not None and entry.scheme == "path" else None

    async def load(self, model: str, keep_alive: float | None = None) -> None:
        async with self.workers.lease(model):
            if keep_alive is not None:
                self.workers.pool.keep(model, keep_alive)

    async def unload(self, model: str) -> None:
        await self.workers.end(model)

    def pin(self, model: str, pinned: bool) -> None:
        """A pinned model stays loaded however long it idles, and whoever needs its memory."""
        self.workers.pin(model, pinned)

    async def configure(self, config: Config) -> None:
        """Go on with another configuration, while nothing is asked of any model. What is loaded and would be loaded
        otherwise now is loaded anew, and a role's new model takes the place of the one it had."""
        old, new = self.settings, settings(config)._replace(hang_after=self.settings.hang_after)
        self.prefixes.limit = new.prefix_disk
        ending, beginning = _moves(old, new, {*self.workers.processes, *self.workers.loading}, self.workers.pool.pinned)
        self.workers.configure(new)
        for model in ending:
            await self.unload(model)
        for model in beginning:
            self.workers.begin(model)

    def working(self) -> bool:
        return bool(self.pulls.running or self.workers.loading)

    def models(self) -> list[api.Model]:
        entries, installed = self._catalogue(), self.store.all_installed()
        loaded, partials = {*self.workers.processes, *self.workers.loading}, self.store.partials()
        names = [*entries, *sorted({*installed, *loaded, *partials} - set(entries))]
        return [self._model(name, entries.get(name), installed.get(name), partials.get(name)) for name in names]

    def ledger(self) -> api.Ledger:
        """Who holds how much of the memory. Blocks."""
        return accounts.ledger(self.workers, self.prefixes, time.monotonic())

    @property
    def context_setting(self) -> int:
        """Tokens of context that models are loaded with, where they were trained for as many."""
        return self.settings.context

    async def close(self) -> None:
        await self.workers.close()
        await self.pulls.close()

    def _model(self, name: str, entry: Entry | None, manifest: Installed | None, partial: int | None) -> api.Model:
        found = listing.at_rest(name, entry, manifest, self.workers.errors.get(name))
        found.partial, found.pinned = partial, name in self.workers.pool.pinned
        found.roles = [role for role, model in self.settings.roles if model == name]
        holding = self.workers.pool.ledger.holdings.get(name)
        held = holding.total if holding is not None else None
        return listing.at_work(found, self.workers.processes.get(name), self.workers.loading, held)

    def _catalogue(self) -> dict[str, Entry]:
        """What can be had. While the user's file cannot be used (`problem`), what it said before, or what is shipped:
        a slip in it must not stop the models that are here."""
        try:
            self._entries, self.problem = self.store.entries(), None
        except FatalError as exc:
            self.problem = exc.message
        return catalogue.shipped() if self._entries is None else self._entries

    def _find(self, model: str) -> Loadable:
        return loadable.find(self.store, self._by_path, model)

    def _by_path(self, model: str) -> Installed | None:
        """A model of the catalogue that is a file on this machine needs no pull."""
        entry = self._catalogue().get(model)
        if self.problem is not None:
            raise EngineError("bad_catalogue", self.problem, hint="mend that file; models that are here still work")
        return self.store.pull(model, None, lambda *_: None) if entry and entry.scheme == "path" else None

    def _place(self, model: str, shared: Sequence[Message], adapter: str | None) -> Place:
        """Where the beginning that requests share lies on the disk, or is to be put."""
        identity = self.workers.fingerprint(model)
        if not shared or identity is None:
            return Place(None, None)
        return self.prefixes.place(prefixes.key(f"{identity}:{_file_identity(adapter)}", shared))

    async def _placed(self, place: Place, answer: Json) -> None:
        """A worker has answered: a file it could not use goes, and files beyond the limit do now and then."""
        if answer.get("prefix") == "bad":
            self.prefixes.discard(place)
        if place.save is not None and time.monotonic() - self._trimmed > _TRIM_EVERY:
            self._trimmed = time.monotonic()
            await asyncio.to_thread(self.prefixes.trim)


def _content(manifest: Installed | None, path: str, state: os.stat_result) -> str:
    """What tells a model's file from others at a glance: its checksum, which is made when it is pulled or loaded."""
    seen = f"{state.st_size}:{state.st_mtime_ns}"
    if manifest is None:
        return f"unread:{path}:{seen}"
    as_known = (state.st_size, state.st_mtime_ns) == (manifest.bytes, manifest.mtime_ns)
    return manifest.sha256 if as_known else f"changed:{seen}"


def _file_identity(path: str | None) -> str:
    """An adapter's file, as a glance tells it apart from others."""
    if path is None:
        return ""
    try:
        state = os.stat(path)
    except OSError:
        return path  # the worker will tell what is wrong with it
    return f"{path}:{state.st_size}:{state.st_mtime_ns}"


def _moves(old: Settings, new: Settings, loaded: set[str], pinned: set[str]) -> tuple[set[str], set[str]]:
    """Which models to end, and then which to load, when settings change."""
    before, after = dict(old.roles), dict(new.roles)
    replaced = {role for role, model in before.items() if model in loaded and after.get(role) != model}
    left = {before[role] for role in replaced} - set(after.values()) - pinned
    again = loaded - left if old.loading != new.loading else set()
    return left | again, again | ({after[role] for role in replaced if role in after} - loaded)
