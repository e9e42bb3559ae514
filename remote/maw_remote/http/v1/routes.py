"""The handlers of `/v1`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

from litestar import HttpMethod, Request, Response, Router, get, post, route
from litestar.response import Stream

from maw_remote.engine import interface
from maw_remote.engine.interface import EngineError, Field, Text, Token, Usage
from maw_remote.engine.program import Write
from maw_remote.http.tasks import TheRunner
from maw_remote.http.v1 import answers, errors, requests
from maw_remote.http.v1.answers import Head
from maw_remote.http.v1.errors import Refused
from maw_remote.http.v1.requests import Ask
from maw_remote.http.v1.work import Gone, Part, Work
from maw_remote.runner.runner import Runner

Json = dict[str, Any]
Asked = Request[Any, Any, Any]

# What chat templates add: some a system message of their own.
_FRAME_TOKENS = 64
_MESSAGE_TOKENS = 8
_ANSWER_MIN = 16  # tokens of an answer that a prompt without room for it is tried with
_GONE = 499  # what servers note for a client that left; it reads no answer
_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]


@post("/chat/completions", status_code=200)
async def chat_completions(request: Asked, runner: TheRunner) -> Response[Any]:
    """A chat's next turn."""
    return await _completed(request, runner, requests.chat(requests.decode(await request.body())))


@post("/completions", status_code=200)
async def completions(request: Asked, runner: TheRunner) -> Response[Any]:
    """How a text goes on."""
    return await _completed(request, runner, requests.completion(requests.decode(await request.body())))


@post("/embeddings", status_code=200)
async def embeddings(request: Asked, runner: TheRunner) -> Json:
    """A vector a text."""
    asked = requests.embedding(requests.decode(await request.body()))
    model = resolved(runner, asked.model)
    with runner.engaged():
        vectors = await runner.engine.embed(model, asked.texts)
        tokens = sum(await runner.engine.count(model, asked.texts))
    return answers.embeddings(model, vectors, tokens, as_base64=asked.base64)


@get("/models")
async def list_models(runner: TheRunner) -> Json:
    """What can be asked: roles, and the models that are on this node."""
    return {"object": "list", "data": [_model(runner, name) for name in names(runner)]}


@get("/models/{model_name:path}")
async def get_model(model_name: str, runner: TheRunner) -> Json:
    """One of them."""
    name = model_name.lstrip("/")
    resolved(runner, name)
    return _model(runner, name)


@route(["/", "/{_:path}"], http_method=_METHODS, status_code=404)
async def unknown(request: Asked) -> None:
    """Anything else."""
    raise Refused(f"no such thing here: {request.method} {request.url.path}", status=404, code="not_found")


def router() -> Router:
    """The routes, not in the description of maw's own API: OpenAI's describes them."""
    return Router(
        path="/v1",
        route_handlers=[chat_completions, completions, embeddings, list_models, get_model, unknown],
        exception_handlers=errors.HANDLERS,
        include_in_schema=False,
    )


def names(runner: Runner) -> list[str]:
    """What requests may name: a role, for whichever model plays it, or a model."""
    usable = [model.name for model in runner.engine.models() if model.state != "broken" and not model.is_lacking]
    return [*(role for role, model in runner.settings.models.items() if model in usable), *usable]


def resolved(runner: Runner, name: str) -> str:
    """The model that a request means. Raises Refused."""
    found = names(runner)
    model = runner.settings.models.get(name, name)
    # A model that could not be loaded the last time is tried again. A server's need no role to be asked; which ones it
    # has is the server's to say.
    if name in found or runner.engine.identity(model) != "missing":
        return model
    known = ", ".join(found) or "none yet; `maw model pull` gets one"
    raise Refused(f"no model {name!r} here (known: {known})", param="model", code="model_not_found", status=404)


def _model(runner: Runner, name: str) -> Json:
    return answers.model(name, int(runner.started))


async def _completed(request: Asked, runner: Runner, ask: Ask) -> Response[Any]:
    model = resolved(runner, ask.model)
    fingerprint = hashlib.sha256(runner.engine.identity(model).encode()).hexdigest()[:12]
    head = answers.head(
        secrets.token_hex(12), model, f"fp_{fingerprint}", chat=bool(ask.messages), logprobs=ask.logprobs,
        with_usage=ask.with_usage,
    )  # fmt: skip
    work = Work(_parts(runner, model, ask), request.receive)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(work)
        try:
            if not ask.stream:
                return Response(await _whole(work, head))
            first = await work.next()  # what goes wrong before it has a status of its own
        except Gone:
            return Response(None, status_code=_GONE)
        events = _events(stack.pop_all(), work, first, head)
        return Stream(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _parts(runner: Runner, model: str, ask: Ask) -> AsyncIterator[Part]:
    with runner.engaged():
        asked = _asked(ask, await _room(runner, model, ask))
        async with aclosing(runner.engine.run(model, asked)) as parts:
            async for part in parts:
                yield part


async def _room(runner: Runner, model: str, ask: Ask) -> int:
    """Tokens that the answer may have: as many as asked for, where they fit beside the prompt. What surely does not
    fit is the engine's to refuse."""
    texts = [message.text for message in ask.messages] or [ask.prompt]
    used = sum(await runner.engine.count(model, texts)) + _FRAME_TOKENS + _MESSAGE_TOKENS * len(texts)
    context = await runner.engine.context(model)
    return min(ask.max_tokens or context, max(context - used, _ANSWER_MIN))


def _asked(ask: Ask, max_tokens: int) -> interface.Request:
    step = Write("text", max_tokens, ask.stop, ask.grammar, ask.logprobs)
    seed = secrets.randbelow(2**31) if ask.seed is None else ask.seed % 2**31
    return interface.Request(
        ask.messages, (step,), prompt=ask.prompt, temperature=ask.temperature, top_p=ask.top_p, seed=seed
    )


async def _whole(work: Work, head: Head) -> Json:
    text, cut = "", False
    tokens: list[Token] = []
    while (part := await work.next()) is not None:
        match part:
            case Text():
                tokens += part.tokens
            case Field():
                text, cut = part.value, part.cut
            case Usage():
                return answers.whole(head, text, tokens, _finished(part, cut))
    raise EngineError("worker_lost", "the model gave no end of its answer", retry=True)


async def _events(stack: AsyncExitStack, work: Work, first: Part | None, head: Head) -> AsyncIterator[bytes]:
    """The stream. Once it has begun an error can only be told in it."""
    async with stack:
        for data in answers.first(head):
            yield data
        try:
            async with aclosing(_told(work, first, head)) as told:
                async for data in told:
                    yield data
        except EngineError as exc:
            yield answers.event(errors.of_engine(exc)[1])
        except Gone:
            return


async def _told(work: Work, part: Part | None, head: Head) -> AsyncGenerator[bytes, None]:
    offset, cut = 0, False
    while part is not None:
        match part:
            case Text():
                yield answers.piece(head, part.text, part.tokens, offset)
                offset += len(part.text)
            case Field():
                cut = part.cut
            case Usage():
                for data in answers.last(head, _finished(part, cut)):
                    yield data
        part = await work.next()


def _finished(used: Usage, cut: bool) -> Usage:
    return used._replace(finish="length") if cut else used
