"""What becomes of answers when their worker is killed, hangs, or is no longer wanted."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from maw import paths
from maw_remote.engine.interface import EngineError
from tests.engine.asking import STORY, WithEngine, answer, ask, drain, failure, first_piece, gone, stream_of, the_worker
from tests.fixtures.model import NAME, EmbeddedModel

psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.model


@pytest.mark.slow
def test_a_worker_that_hangs_with_the_turn_loses_it(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        await asyncio.gather(engine.load(NAME), engine.load("other"))
        story = stream_of(engine, STORY)
        await first_piece(story)
        os.kill(engine.workers.processes[NAME].pid, signal.SIGSTOP)
        assert (await answer(engine, ask("hello"), "other"))[0]
        assert (await failure(drain(story))).code == "worker_hung"

    with_engine(work, hang_after=3.0)


def test_leaving_an_answer_stops_the_worker(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        stream = stream_of(engine, ask("Tell a long story about a boat.", 7000))
        await first_piece(stream)
        await stream.aclose()
        # With one sequence the worker does one request after the other: an answer now means that the story, which
        # would take a minute, has ended.
        text, usage = await asyncio.wait_for(answer(engine, ask("hello", 3)), 20)
        assert text
        assert usage.finish == "length"

    with_engine(work, sequences=1, context=8192)


def test_a_cancelled_task_stops_the_worker_in_the_middle_of_a_prompt(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    long = ask("word " * 7000, 10)

    async def work(engine: Any) -> None:
        await engine.load(NAME)
        process = psutil.Process(the_worker(engine).pid)
        task = asyncio.create_task(answer(engine, long))
        while process.cpu_times().user < 1.5:  # it is deep in the prompt, which takes a minute in all
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        spent = process.cpu_times().user
        text = (await answer(engine, ask("Say hello.", 3)))[0]
        assert text
        assert process.cpu_times().user - spent < 10
        # What was evaluated of the aborted prompt is not taken for this one's.
        fresh = (await answer(engine, ask("Say hello.", 3)))[0]
        assert fresh == text

    with_engine(work, context=8192)


def test_a_worker_killed_in_mid_answer_is_lost_and_the_next_request_is_answered(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        stream = stream_of(engine, STORY)
        await first_piece(stream)
        os.kill(the_worker(engine).pid, signal.SIGKILL)
        with pytest.raises(EngineError) as caught:
            async for _ in stream:
                pass
        assert (caught.value.code, caught.value.retry) == ("worker_lost", True)
        assert "SIGKILL" in caught.value.message
        assert (await answer(engine, ask("hello")))[0]

    with_engine(work)


def test_a_worker_that_cannot_be_started_is_told_and_is_tried_again(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    folder = Path(paths.runner_dir(), "workers")

    async def work(engine: Any) -> None:
        folder.parent.mkdir(parents=True)
        folder.write_text("in the way")  # as good as a process that has no descriptor left
        errors = await asyncio.gather(*(failure(engine.load(NAME)) for _ in range(2)))
        assert {(error.code, error.retry) for error in errors} == {("worker_lost", True)}
        assert "cannot be started" in errors[0].message
        folder.unlink()
        assert (await answer(engine, ask("hello", 3)))[0]

    with_engine(work, timeout=60)


def test_a_load_that_is_given_up_before_its_first_step_is_over(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        loading = asyncio.create_task(failure(engine.load(NAME)))
        while NAME not in engine.workers.loading:
            await asyncio.sleep(0)
        assert not engine.workers.starting
        await engine.unload(NAME)
        assert (await loading).code == "worker_lost"
        assert not engine.workers.pool.models

    with_engine(work, timeout=60)


@pytest.mark.slow
def test_a_worker_that_hangs_is_ended(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        stream = stream_of(engine, STORY)
        await first_piece(stream)
        pid = the_worker(engine).pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(EngineError) as caught:
            async for _ in stream:
                pass
        assert (caught.value.code, caught.value.retry) == ("worker_hung", True)
        await gone(pid)
        assert (await answer(engine, ask("hello")))[0]

    with_engine(work, hang_after=3.0)


def test_a_worker_ends_with_its_runner(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        stream = stream_of(engine, STORY)
        await first_piece(stream)
        pid = the_worker(engine).pid
        worker = engine.workers.processes[NAME]
        worker._process.stdin.close()  # what the kernel does to a runner that was killed
        await gone(pid)
        assert (await failure(drain(stream))).code == "worker_lost"

    with_engine(work)
