"""The pool with real workers: budgets, swaps, prefixes on the disk, and what the ledger tells."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maw import paths
from maw_remote.engine.estimate import Plan, estimate
from maw_remote.engine.gguf import read_header
from maw_remote.engine.interface import CALLED_OFF, EngineError, Message, Request
from maw_remote.engine.ledger import Budget
from maw_remote.engine.program import Write
from tests.engine.asking import answer, ask, failure, first_piece, stream_of
from tests.fixtures.model import NAME, EmbeddedModel

psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.model

WithEngine = Callable[..., Any]
RULES = [Message("system", "Look for wrong results, wrong names and wrong tests. " * 30)]
SMALL = {"context": 512, "sequences": 1, "prefix_memory": 1 << 20, "linger": 0.05}


def reckoned(model: EmbeddedModel, context: int = 512) -> int:
    """What a model with these settings is reckoned to take."""
    return estimate(read_header(str(model.path)), Plan(context, context, 1, "f16", 1 << 20)).total


def about(text: str) -> Request:
    return Request([*RULES, Message("user", text)], (Write("text", 3),), shared=len(RULES))


def prefix_files() -> list[Path]:
    return list(Path(paths.state_dir(), "prefixes").glob("*.prefix"))


async def some_prefix() -> Path:
    """A prefix on the disk, once the worker has written it."""
    while not prefix_files():
        await asyncio.sleep(0.02)
    return prefix_files()[0]


def test_ten_first_requests_look_for_a_model_once_and_load_it_once(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    """A file that nobody has pulled is read whole for its checksum, under the lock of pulls."""
    Path(paths.catalogue_file()).write_text(f'[models.mine]\nsource = "path:{embedded_model.path}"\n')

    async def work(engine: Any) -> None:
        assert await asyncio.gather(*(engine.count("mine", ["one two"]) for _ in range(10))) == [[2]] * 10
        children = [child for child in psutil.Process().children() if "engine.worker" in " ".join(child.cmdline())]
        assert len(children) == 1

    with_engine(work)


def test_a_budget_smaller_than_any_model_is_refused_with_the_figures(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        error = await failure(engine.load(NAME))
        assert (error.code, error.retry) == ("no_memory", False)
        assert "it needs" in error.message and "50.0 MB are for models" in error.message
        assert "maw model ps" in str(error.hint)
        assert not engine.workers.processes and engine.ledger().models == []

    with_engine(work, budget=Budget(50_000_000))


def test_a_b_a_b_loads_each_model_once_where_only_one_fits(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        answers = await asyncio.gather(
            *(answer(engine, ask("hello", 3), model) for model in (NAME, "other", NAME, "other"))
        )
        assert all(text for text, _ in answers)
        ledger = engine.ledger()
        assert len(ledger.evicted) == 1  # so two were loaded
        stays = ledger.models[0].model
        assert ledger.evicted[0].why == f"{stays} needs the memory"
        assert ledger.held <= ledger.budget.total
        engine.pin(stays, True)
        error = await failure(engine.load(ledger.evicted[0].model))
        assert error.code == "no_memory" and stays in error.message and "pinned" in error.message

    with_engine(work, budget=Budget(int(1.5 * reckoned(embedded_model))), **SMALL)


def test_somebody_who_waits_calls_background_work_off(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        story = stream_of(engine, ask("Tell a story.", 300)._replace(background=True))
        await first_piece(story)
        reading = asyncio.create_task(_drained(story))
        assert (await answer(engine, ask("hello", 3), "other"))[0]
        error = await failure(reading)
        assert (error.code, error.retry) == (CALLED_OFF, True)

    with_engine(work, budget=Budget(int(1.5 * reckoned(embedded_model))), **SMALL)


async def _drained(stream: Any) -> None:
    async for _ in stream:
        pass


def test_the_ledger_tells_what_is_measured_and_remembers_it(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    told: list[int] = []

    async def work(engine: Any) -> None:
        await answer(engine, ask("hello", 3))
        while not engine.workers.learned.known(engine.store.installed(NAME).sha256):
            await asyncio.sleep(0.02)
        held = engine.ledger().models[0]
        assert (held.model, held.state, held.context, held.kv, held.busy) == (NAME, "loaded", 2048, "f16", 0)
        assert held.parts.weights > 90_000_000 and held.parts.kv > 0
        assert [model.held for model in engine.models() if model.name == NAME] == [held.bytes]
        assert held.memory is not None
        assert abs(held.bytes - held.parts.prefixes - held.memory) < 0.1 * held.memory
        told.append(held.bytes)

    with_engine(work)
    with_engine(work)
    assert abs(told[1] - told[0]) < 0.1 * told[0]


@pytest.mark.slow
def test_a_prefix_outlives_its_worker(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        assert (await answer(engine, about("one")))[1].cached_tokens == 0
        file = await some_prefix()
        await engine.unload(NAME)
        usage = (await answer(engine, about("two")))[1]
        assert usage.cached_tokens > 0.8 * usage.prompt_tokens
        await engine.unload(NAME)
        file.write_bytes(file.read_bytes()[:-100])
        text, usage = await answer(engine, about("three"))
        assert text and usage.cached_tokens == 0
        log = Path(paths.runner_dir(), "workers", f"{NAME}.log").read_text()
        assert file.name in log  # a line says that it is damaged
        while file.exists() and file.stat().st_size < 1000:
            await asyncio.sleep(0.02)

    with_engine(work)


@pytest.mark.slow
def test_warmed_rules_are_there_when_the_first_request_comes(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        await engine.warm(NAME, RULES)
        usage = (await answer(engine, about("one")))[1]
        assert usage.cached_tokens > 0.8 * usage.prompt_tokens

    with_engine(work)


@pytest.mark.slow
def test_a_full_disk_costs_a_prefix_and_nothing_else(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    """A limit on the size of files stands for the disk: the worker's write fails in the middle."""

    async def work(engine: Any) -> None:
        await engine.load(NAME)
        resource.prlimit(engine.workers.processes[NAME].pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        assert (await answer(engine, about("one")))[0]
        log = Path(paths.runner_dir(), "workers", f"{NAME}.log")
        while "cannot be written" not in log.read_text():
            await asyncio.sleep(0.02)
        assert not list(Path(paths.state_dir(), "prefixes").iterdir())
        usage = (await answer(engine, about("two")))[1]
        assert usage.cached_tokens > 0.8 * usage.prompt_tokens  # in memory it is

    with_engine(work)


def test_a_worker_killed_in_mid_batch_fails_all_and_a_fresh_one_answers_all(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        streams = [stream_of(engine, ask("Tell a long story about a boat.", 500)) for _ in range(3)]  # all have room
        await asyncio.gather(*map(first_piece, streams))
        os.kill(engine.workers.processes[NAME].pid, signal.SIGKILL)
        errors = await asyncio.gather(*map(_drained, streams), return_exceptions=True)
        assert all(isinstance(error, EngineError) and error.retry for error in errors)
        answers = await asyncio.gather(*(answer(engine, ask("hello", 3)) for _ in streams))
        assert all(text for text, _ in answers)

    with_engine(work)


def test_a_fault_on_a_virtual_machine_that_announces_amx_has_a_hint_of_its_own() -> None:
    from maw_remote.engine.process import _fault_hint

    flags = frozenset({"hypervisor", "avx512f", "amx_tile", "amx_int8"})
    for code in (-signal.SIGSEGV, -signal.SIGILL):
        assert "maw docs troubleshooting" in _fault_hint(code, flags)
        assert not _fault_hint(code, flags - {"hypervisor"})
        assert not _fault_hint(code, frozenset({"hypervisor", "avx512f"}))
    assert not _fault_hint(-signal.SIGKILL, flags)
