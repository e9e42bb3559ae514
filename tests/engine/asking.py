"""Ask an engine, and wait for what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from maw_remote.engine.interface import EngineError, Message, Request, Text, Usage
from maw_remote.engine.program import Write
from tests.fixtures.model import NAME

psutil = pytest.importorskip("psutil")

WithEngine = Callable[..., Any]


def ask(text: str, max_tokens: int = 12, *, stop: tuple[str, ...] = (), grammar: str | None = None) -> Request:
    return Request([Message("user", text)], (Write("text", max_tokens, stop, grammar),))


STORY = ask("Tell a long story about a boat.", 1500)


async def stream_of(engine: Any, request: Request, model: str = NAME) -> AsyncGenerator[str | Usage, None]:
    """An answer's text as it comes, then what it cost."""
    async with aclosing(engine.run(model, request)) as parts:
        async for part in parts:
            if isinstance(part, Text):
                yield part.text
            elif isinstance(part, Usage):
                yield part


async def answer(engine: Any, request: Request, model: str = NAME) -> tuple[str, Usage]:
    pieces = [piece async for piece in stream_of(engine, request, model)]
    usage = pieces.pop()
    assert isinstance(usage, Usage)
    return "".join(map(str, pieces)), usage


async def first_piece(stream: Any) -> None:
    """Wait until the worker is in the middle of an answer."""
    assert isinstance(await anext(stream), str)


def the_worker(engine: Any) -> Any:
    return next(model for model in engine.models() if model.state == "loaded")


async def gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.01)


async def failure(work: Any) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await work
    return caught.value


async def drain(stream: Any) -> None:
    async for _ in stream:
        pass
