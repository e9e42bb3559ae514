"""A worker that dies or hangs with many requests under way: each is told to try again, and a fresh worker answers."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maw_remote.engine.interface import EngineError, Field, Message, Request, Text
from maw_remote.engine.program import Program, Say, Write
from maw_remote.engine.store import Store
from tests.engine import tiny

psutil = pytest.importorskip("psutil")
pytest.importorskip("llama_cpp")
pytestmark = pytest.mark.model
LONG: Program = tuple(step for at in range(40) for step in (Say("."), Write(f"part{at}", 24)))


def _request(at: int, about: str = "results") -> Request:
    shared = Message("system", f"Look for wrong {about}. " * 10)
    return Request([shared, Message("user", f"{at}| x = {at}")], LONG, shared=1)


async def _answer(engine: Any, at: int, begun: asyncio.Event | None = None, about: str = "results") -> list[Field]:
    found = []
    async for part in engine.run("tiny", _request(at, about)):
        if begun is not None and isinstance(part, Text):
            begun.set()
        if isinstance(part, Field):
            found.append(part)
    return found


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def _starve(pid: int) -> None:
    """No more memory than it has: the next allocation fails."""
    used = psutil.Process(pid).memory_info().vms
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (used - (64 << 20), used - (64 << 20)))
    except AttributeError:
        pytest.skip("no prlimit on this system")


def _lost(ended: list[list[Field] | BaseException]) -> list[EngineError]:
    """Those who were told to try again; the others were answered whole."""
    lost = [end for end in ended if isinstance(end, EngineError)]
    assert all(error.retry and error.code in ("worker_lost", "worker_hung") for error in lost)
    assert all(len(end) == 40 for end in ended if not isinstance(end, BaseException))
    assert len(lost) == sum(isinstance(end, BaseException) for end in ended)
    return lost


@pytest.mark.parametrize("harm", [_kill, _stop, _starve])
def test_all_that_was_under_way_is_answered_by_a_fresh_worker(
    home: Path, with_engine: Callable[..., Any], harm: Callable[[int], None]
) -> None:
    Store().pull("tiny", f"path:{tiny.make(home / 'tiny.gguf')}", lambda *_: None)

    async def work(engine: Any) -> None:
        begun = [asyncio.Event() for _ in range(3)]
        tasks = [asyncio.create_task(_answer(engine, at, begun[at] if at < 3 else None)) for at in range(6)]
        await asyncio.gather(*(event.wait() for event in begun))
        pid = next(model.pid for model in engine.models() if model.state == "loaded")
        harm(pid)
        lost = _lost(await asyncio.gather(*tasks, return_exceptions=True))
        assert lost or harm is _starve
        asked = 0
        while not lost:  # a starved one is harmed when it next needs memory: for another prompt to be kept
            asked += 1
            more = (_answer(engine, at, about=f"names {asked}") for at in range(6))
            lost = _lost(await asyncio.gather(*more, return_exceptions=True))
        found = await asyncio.gather(*(_answer(engine, at) for at in range(6)))
        assert [len(fields) for fields in found] == [40] * 6
        assert next(model.pid for model in engine.models() if model.state == "loaded") != pid

    with_engine(work, hang_after=3.0, sequences=4)
