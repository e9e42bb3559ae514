"""Servers as an engine: models are named BACKEND/MODEL. Implements interface.Engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from maw import api
from maw.config.load import BackendSettings, Config
from maw.errors import FatalError
from maw_remote.engine.interface import EngineError, Field, Message, Request, Text, Usage
from maw_remote.engine.openai import asking, server, stream, trying
from maw_remote.engine.openai.answer import Answer, estimate
from maw_remote.engine.openai.asking import Asked, Shape
from maw_remote.engine.openai.known import Known, Memory
from maw_remote.engine.openai.stream import Json
from maw_remote.engine.openai.trying import Unanswered

if TYPE_CHECKING:
    from maw_remote.engine.openai.client import Client

T = TypeVar("T")
CONTEXT = 4096  # tokens, where neither settings nor server say
CONTEXT_FOR = 60.0  # seconds that what a server says of it counts
_DOWN_FOR = 20.0  # seconds that a server which could not be reached is passed over, if another stands in for it
_PROBE_WORD = "qxzjv"


class Place(NamedTuple):
    """A server and the name of a model there."""

    client: Client
    model: str

    @property
    def settings(self) -> BackendSettings:
        return self.client.settings

    @property
    def name(self) -> str:
        return f"{self.settings.url} {self.model}"


class ServerEngine:
    """All backends of a configuration."""

    def __init__(self, config: Config, memory: Memory | None = None) -> None:
        self._memory = memory or Memory()
        self._clients: dict[str, Client] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._down: dict[str, float] = {}  # by backend: until when it is passed over
        self._errors: dict[str, str] = {}  # by model: what went wrong last
        self._answered: set[str] = set()
        self._busy: dict[str, int] = {}
        self._contexts: dict[str, float] = {}  # by place: until when what is known of it counts
        self._probing: dict[str, asyncio.Lock] = {}
        self.take(config)

    def take(self, config: Config) -> None:
        """Go on with another configuration. Connections to servers whose settings changed are closed."""
        self._backends = dict(config.backends)
        self._connect_timeout = float(config.values["connect_timeout"])
        self._roles = {role: str(config.values[f"roles.{role}"]) for role in ("manager", "generator")}
        for name, client in list(self._clients.items()):
            if client.settings != self._backends.get(name):
                del self._clients[name]
                closing = asyncio.create_task(client.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        self._busy[model] = self._busy.get(model, 0) + 1
        try:
            async with aclosing(self._run(model, request)) as parts:
                async for part in parts:
                    if isinstance(part, Usage):  # the last one: who asked may leave with it
                        self._errors.pop(model, None)
                        self._answered.add(model)
                    yield part
        except EngineError as exc:
            self._errors[model] = exc.message
            raise
        finally:
            self._busy[model] -= 1

    async def _run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        began = time.monotonic()
        places, attempt = self._places(model), 0
        while True:
            try:
                async with aclosing(self._ask(places[0], request, began)) as parts:
                    async for part in parts:
                        yield part
                return
            except Unanswered as exc:
                attempt += 1
                step = trying.decide(exc.failure, attempt, others=len(places) > 1)
                if not step.on and not step.again:
                    raise exc.error from exc
                if step.on:
                    self._pass_over(places.pop(0), exc)
                    attempt = 0
            await asyncio.sleep(step.wait)

    async def _ask(self, place: Place, request: Request, began: float) -> AsyncGenerator[Text | Field | Usage, None]:
        """One server's answer. Raises Unanswered as long as nothing of it was received."""
        shape = await self._shape(place, request)
        asked = asking.ask(request, place.model, shape)
        try:
            async with aclosing(self._answer(place, request, asked, began)) as parts:
                async for part in parts:
                    yield part
        except Unanswered as exc:
            # A schema may be more than this server takes; plain text and the parser do without.
            if exc.failure.kind != "refused" or "response_format" not in asked.body:
                raise
            async with aclosing(
                self._answer(place, request, asking.ask(request, place.model, "plain"), began)
            ) as parts:
                async for part in parts:
                    yield part

    async def _answer(
        self, place: Place, request: Request, asked: Asked, began: float
    ) -> AsyncGenerator[Text | Field | Usage, None]:
        answer = Answer(request, asked, began)
        async with aclosing(place.client.stream(asked.path, asked.body)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                for part in answer.add(chunk):
                    yield part
                if answer.over:
                    break
        self._learn(place, fingerprint=answer.fingerprint)
        for part in answer.end():
            yield part
        if answer.problem is not None:
            raise EngineError("bad_answer", f"{place.settings.name}/{place.model}: {answer.problem}")
        yield answer.usage()

    def _places(self, model: str) -> list[Place]:
        """Where a model can be asked, in order: without those that just could not be reached. Raises EngineError."""
        found = self._chain(model)
        now = time.monotonic()
        return [place for place in found if self._down.get(place.settings.name, 0.0) <= now] or found[:1]

    def _first(self, model: str) -> Place:
        """The place that a model's name means, whichever is asked just now. Raises EngineError."""
        return self._chain(model)[0]

    def _chain(self, model: str) -> list[Place]:
        name, _, wanted = model.partition("/")
        try:
            first, *others = server.chain(self._backends, name)
        except FatalError as exc:
            raise EngineError("model_missing", exc.message, hint=exc.hint) from exc
        wanted = wanted or first.model or ""
        if not wanted:
            raise EngineError("model_missing", f"{model} names no model", hint=f"write {name}/MODEL")
        return [Place(self._client(first), wanted), *(Place(self._client(one), one.model or wanted) for one in others)]

    def _client(self, settings: BackendSettings) -> Client:
        if settings.name not in self._clients:
            from maw_remote.engine.openai.client import Client  # httpx: 0.2 s that runners without servers do without

            self._clients[settings.name] = Client(settings, self._connect_timeout)
        return self._clients[settings.name]

    def _pass_over(self, place: Place, exc: Unanswered) -> None:
        if exc.failure.kind == "unreachable":
            self._down[place.settings.name] = time.monotonic() + _DOWN_FOR

    async def _shape(self, place: Place, request: Request) -> Shape:
        """How this server is asked for the shape of the answer. Raises EngineError and Unanswered."""
        if not asking.needs_shape(request.program):
            return "plain"
        found = await self._kept_shape(place)
        if found != "grammar" and asking.needs_grammar(request.program):
            if request.grammar_optional:
                return "plain"
            raise EngineError(
                "unsupported", f"{place.settings.name} takes no grammar, which this needs",
                hint="llama-server takes one; so does a model of the runner's own",
            )  # fmt: skip
        return found

    async def _kept_shape(self, place: Place) -> Shape:
        if place.settings.shape != "auto":
            return cast(Shape, place.settings.shape)
        lock = self._probing.setdefault(place.name, asyncio.Lock())
        async with lock:
            known = self._known(place)
            if known.shape is None:
                known = known._replace(shape=await self._probe(place))
                self._memory.put(place.settings.url, place.model, known)
        assert known.shape is not None
        return known.shape

    async def _probe(self, place: Place) -> Shape:
        """What the server holds its models to, found out by asking for what no model would say."""
        failed = False
        for shape in ("grammar", "json"):
            try:
                said = await self._said(place, shape)
            except Unanswered as exc:
                if exc.failure.kind in ("unreachable", "busy"):
                    raise
                failed = True
                continue
            except EngineError as exc:
                if exc.code not in ("bad_answer", "server_failed"):
                    raise
                failed = True
                continue
            if asking.kept(shape, _PROBE_WORD, said):
                return shape
        if failed:
            # Because of the shape, or would anything have failed? A model that is not there yet, or does not load just
            # now, must not be known as one that keeps to no shape.
            await self._said(place, "plain")
        return "plain"

    async def _said(self, place: Place, shape: Shape) -> str:
        """The answer to the question that finds out about a shape. Raises Unanswered and EngineError."""
        body = asking.probe(place.model, shape, _PROBE_WORD)
        async with aclosing(place.client.stream("/chat/completions", body)) as chunks:  # type: ignore[type-var]
            return "".join([chunk.text async for chunk in chunks])

    def _known(self, place: Place) -> Known:
        return self._memory.get(place.settings.url, place.model)

    def _learn(self, place: Place, *, fingerprint: str) -> None:
        if fingerprint:
            known = self._known(place)
            self._memory.put(place.settings.url, place.model, known._replace(fingerprint=fingerprint))

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        """An estimate from above: servers have no common way to ask."""
        self._first(model)
        return [estimate(text) for text in texts]

    async def context(self, model: str) -> int:
        """What is known is asked for again now and then: a server may have been started anew, with another one."""
        place = self._first(model)
        if place.settings.context:
            return place.settings.context
        if time.monotonic() >= self._contexts.get(place.name, 0.0):
            known = self._known(place).context
            others = known > 0 and len(self._chain(model)) > 1  # another one answers as long as this one cannot
            try:
                found = await self._insisted(partial(self._asked_context, place), others=others)
            except Unanswered as exc:
                if not known:
                    raise exc.error from exc
                self._contexts[place.name] = time.monotonic() + _DOWN_FOR
                return known
            self._contexts[place.name] = time.monotonic() + CONTEXT_FOR
            self._memory.put(place.settings.url, place.model, self._known(place)._replace(context=found))
        return self._known(place).context

    async def _asked_context(self, place: Place) -> int:
        """What the server says of the model's context, in the words of vLLM, llama-server and others."""
        try:
            told = _entry(await place.client.get("/models"), place.model)
            for name in ("max_model_len", "context_length", "context_window", "meta.n_ctx"):
                if found := stream.counted(told, name, 0):
                    return found
            props = await place.client.get("/props", above=True)
            return stream.counted(props, "default_generation_settings.n_ctx", CONTEXT) or CONTEXT
        except Unanswered as exc:
            if exc.failure.kind == "refused":
                return CONTEXT
            raise

    async def _insisted(self, work: Callable[[], Awaitable[T]], *, others: bool) -> T:
        """What `work` asks of one server, as often as that may be tried; with `others`, once. Raises Unanswered."""
        attempt = 0
        while True:
            try:
                return await work()
            except Unanswered as exc:
                attempt += 1
                step = trying.decide(exc.failure, attempt, others=others)
                if not step.again:
                    raise
            await asyncio.sleep(step.wait)

    def identity(self, model: str) -> str:
        try:
            place = self._first(model)
        except EngineError:
            return "missing"
        known = self._known(place)
        where = server.origin(place.settings.url)
        return f"openai:{where}:{place.model}:{known.fingerprint}:{place.settings.shape}:{place.settings.context}"

    async def load(self, model: str) -> None:
        """See that the server is there; loading is its own business. Raises EngineError."""
        try:
            await self._places(model)[0].client.get("/models")
        except Unanswered as exc:
            if exc.failure.kind != "refused":
                self._errors[model] = exc.error.message
                raise exc.error from exc
        self._errors.pop(model, None)

    async def unload(self, model: str) -> None:
        """Nothing: loading is the server's own business."""

    async def warm(self, model: str, messages: Sequence[Message]) -> None:
        """See that the server is there; its caches are its own."""
        await self.load(model)

    def parallel(self, model: str) -> int:
        try:
            return max(1, self._first(model).settings.parallel)
        except EngineError:
            return 1

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        place = self._first(model)
        try:
            found = await place.client.post("/embeddings", {"model": place.model, "input": list(texts)})
            return stream.vectors(found, len(texts))
        except Unanswered as exc:
            raise exc.error from exc
        except stream.Garbage as exc:
            raise EngineError("bad_answer", f"{place.settings.name} sent {exc}") from exc

    def working(self) -> bool:
        return any(self._busy.values())

    def models(self) -> list[api.Model]:
        """The models that roles name, as they were found when they were last asked."""
        named = {model for model in self._roles.values() if "/" in model} | {*self._answered}
        return [self._model(name) for name in sorted(named)]

    def _model(self, name: str) -> api.Model:
        found = api.Model(
            name=name, state="installed", roles=[role for role, one in self._roles.items() if one == name]
        )
        try:
            place = self._first(name)
        except EngineError as exc:
            return api.Model(name=name, state="broken", roles=found.roles, error=exc.message)
        found.source = f"openai:{place.settings.url}"
        found.context = place.settings.context or self._known(place).context or None
        found.busy = self._busy.get(name, 0)
        found.error = self._errors.get(name)
        if name in self._answered and found.error is None:
            found.state = "loaded"
        return found

    async def close(self) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()
        if self._closing:
            await asyncio.wait(self._closing)


def _entry(listing: Json, model: str) -> Json:
    data = listing.get("data")
    entries = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return next((entry for entry in entries if entry.get("id") == model), entries[0] if len(entries) == 1 else {})
