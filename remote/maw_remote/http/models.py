"""`/api/v1/models`: which models the node has, which are loaded, and how more come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import msgspec
from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import Body, Dependency, Parameter
from litestar.response import Stream

from maw import api
from maw.errors import ApiError, FatalError
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.pulls import Pull
from maw_remote.http.advice import found, recommendation
from maw_remote.http.tasks import TheRunner
from maw_remote.runner.runner import Runner

_STATUS = {
    "not_found": 404, "forbidden": 403, "conflict": 409, "no_space": 507, "download": 502, "unreachable": 502,
    "checksum": 502,
}  # fmt: skip
_PAUSE = 0.5  # seconds between two looks whether the runner leaves
_KEEP_ALIVE_EVERY = 10  # pauses

TheEngine = Annotated[LocalEngine, Dependency(skip_validation=True)]


class PullRequest(msgspec.Struct, kw_only=True):
    """`POST /models/{name}/pull`; without `source`, from where the catalogue says."""

    v: int = 1
    source: str | None = None


class LoadRequest(msgspec.Struct, kw_only=True):
    """`POST /models/{name}/load`. `keep_alive`: seconds that the model stays once it idles, until it leaves."""

    v: int = 1
    keep_alive: Annotated[float, msgspec.Meta(ge=0, le=3.2e8)] | None = None


class PinRequest(msgspec.Struct, kw_only=True):
    v: int = 1
    pinned: bool = True


@get("/models")
async def list_models(engine: TheEngine, runner: TheRunner) -> api.ModelList:
    """Every model of the catalogue, of this node and of the servers that roles name, with its state."""
    return api.ModelList(models=runner.engine.models(), problem=engine.problem)


@get("/ledger")
async def show_ledger(engine: TheEngine) -> api.Ledger:
    """The memory for models: who holds how much, who waits, and who left why."""
    await engine.workers.known_budget()
    return await asyncio.to_thread(engine.ledger)


@post("/models/{name:str}/load", status_code=200)
async def load_model(name: str, engine: TheEngine, data: Annotated[LoadRequest | None, Body()] = None) -> api.Model:
    """Load a model; answers when it is loaded."""
    await engine.load(name, None if data is None else data.keep_alive)
    return await _one(engine, name)


@post("/models/{name:str}/unload", status_code=200)
async def unload_model(name: str, engine: TheEngine) -> api.Model:
    """End a model's worker. What it was doing is tried again later."""
    known = await _one(engine, name)
    await engine.unload(known.name)
    return await _one(engine, name)


@post("/models/{name:str}/pin", status_code=200)
async def pin_model(name: str, engine: TheEngine, data: Annotated[PinRequest | None, Body()] = None) -> api.Model:
    """Keep a model loaded however long it idles, or no longer (`pinned`: false). It does not load it."""
    known = await _one(engine, name)
    engine.pin(known.name, data is None or data.pinned)
    return await _one(engine, name)


@post("/models/{name:str}/pull", media_type="text/event-stream", status_code=200)
async def pull_model(
    name: str, engine: TheEngine, runner: TheRunner, data: Annotated[PullRequest | None, Body()] = None
) -> Stream:
    """Get a model. Events: progress{phase,done,total} in bytes, then done{model} or failed{error}.

    The pull goes on when the stream breaks; asking again joins it."""
    with _told():
        pull = engine.pulls.start(name, data.source if data is not None else None)
    return Stream(_events(pull, runner), media_type="text/event-stream", headers={"cache-control": "no-store"})


@delete("/models/{name:str}/pull", status_code=200)
async def cancel_pull(name: str, engine: TheEngine) -> dict[str, Any]:
    """Stop a pull. What has come is kept for the next one."""
    with _told():
        engine.pulls.cancel(name)
    return {"v": 1, "name": name}


@get("/models/recommended")
async def recommend_models(
    engine: TheEngine, memory: Annotated[float | None, Parameter(gt=0, le=10_000)] = None
) -> dict[str, Any]:
    """Which models this node should run, by its memory or by `memory` in GB, and why."""
    with _told():
        return await asyncio.to_thread(recommendation, engine, memory)


@get("/models/found")
async def find_models(engine: TheEngine, path: str | None = None) -> dict[str, Any]:
    """Models that are on the node already: in the stores of Ollama and LM Studio, or at `path`."""
    with _told():
        return await asyncio.to_thread(found, engine, path)


@delete("/models/{name:str}", status_code=200)
async def remove_model(name: str, engine: TheEngine) -> dict[str, Any]:
    """Forget a model and delete its file (a file of a path: source stays), and what an interrupted pull left."""
    with _told():
        known = await _one(engine, name)
        if known.busy:
            raise ApiError(409, "conflict", f"{name} is at work", hint="cancel its tasks, or wait")
        await engine.unload(name)
        removed = await asyncio.to_thread(engine.store.remove, name)
    stays = removed is not None and removed.source.startswith("path:")
    return {"v": 1, "name": name, "deleted": not stays, "path": removed.path if removed is not None else None}


HANDLERS = [
    list_models,
    show_ledger,
    load_model,
    unload_model,
    pin_model,
    pull_model,
    cancel_pull,
    recommend_models,
    find_models,
    remove_model,
]


def model_routes(engine: LocalEngine) -> list[Router]:
    """The routes, to be mounted below /api/v1."""
    return [
        Router(
            path="/", route_handlers=HANDLERS, dependencies={"engine": Provide(lambda: engine, sync_to_thread=False)}
        )
    ]


async def _one(engine: LocalEngine, name: str) -> api.Model:
    found = next((model for model in engine.models() if model.name == name), None)
    if found is None:
        raise ApiError(404, "not_found", f"no model called {name!r} on this node", hint="`maw model list` shows them")
    return found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What a user can mend leaves as an answer, not as a defect."""
    try:
        yield
    except ApiError:
        raise
    except FatalError as exc:
        code = str(getattr(exc, "code", "bad_input"))
        raise ApiError(_STATUS.get(code, 400), code, exc.message, hint=exc.hint) from exc


async def _events(pull: Pull, runner: Runner) -> AsyncIterator[bytes]:
    number = quiet = 0
    async for step in pull.steps(_PAUSE):
        if runner.hub.closing:
            return
        if step is not None:
            number, quiet = number + 1, 0
            data = json.dumps({"v": 1, **step.data}, separators=(",", ":"))
            yield f"id: {number}\nevent: {step.kind}\ndata: {data}\n\n".encode("ascii")
        else:
            quiet += 1
            if quiet % _KEEP_ALIVE_EVERY == 0:
                yield b": keep-alive\n\n"
