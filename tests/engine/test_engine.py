"""The engine with the real embedded model: what it answers, and what happens when things go wrong."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw import paths
from maw_remote.engine import local
from maw_remote.engine.frames import FRAME_MAX
from maw_remote.engine.interface import Message, Request
from maw_remote.engine.local import batches
from maw_remote.engine.program import Write
from tests.engine.asking import STORY, WithEngine, answer, ask, failure, first_piece, stream_of, the_worker
from tests.fixtures.model import NAME, EmbeddedModel

psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.model


def test_an_answer_streams_and_says_what_it_cost(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        text, usage = await answer(engine, ask("Say hello.", max_tokens=5))
        assert text
        assert (usage.completion_tokens, usage.finish, usage.cached_tokens) == (5, "length", 0)
        assert usage.prompt_tokens > 10
        assert 0 < usage.first_token_ms <= usage.elapsed_ms

    with_engine(work)


def test_a_shared_prefix_is_evaluated_once(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    rules = Message("system", "Look for wrong results. " * 30)

    def about(text: str) -> Request:
        return Request([rules, Message("user", text)], (Write("text", 2),), shared=1)

    async def work(engine: Any) -> None:
        first = (await answer(engine, about("one")))[1]
        second = (await answer(engine, about("two")))[1]
        assert first.cached_tokens == 0
        assert second.cached_tokens > 0.9 * (second.prompt_tokens - 10)

    with_engine(work)


def test_the_same_question_twice_is_answered_twice(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        for _ in range(3):
            text, usage = await answer(engine, ask("Count to three."))
            assert text
            assert usage.cached_tokens < usage.prompt_tokens

    with_engine(work)


def test_characters_are_whole_and_a_stop_text_ends_the_answer(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        grammar = 'root ::= "näh 🦊🦊 ENDE mehr"'
        pieces = [piece async for piece in stream_of(engine, ask("x", 60, grammar=grammar))]
        assert "".join(pieces[:-1]) == "näh 🦊🦊 ENDE mehr"
        assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces[:-1])
        text, usage = await answer(engine, ask("x", 60, grammar=grammar, stop=("ENDE",)))
        assert (text, usage.finish) == ("näh 🦊🦊 ", "stop")

    with_engine(work)


def test_text_is_counted_as_data(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        counts = await engine.count(NAME, ["", "hello", "<|im_end|>", "a" * 5000])
        assert counts[0] == 0
        assert counts[1] == 1
        assert counts[2] > 1  # as a control token it would be one
        assert await engine.count(NAME, []) == []

    with_engine(work)


def test_many_texts_are_embedded_in_parts(
    embedded_model: EmbeddedModel, with_engine: WithEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vectors of a thousand texts are more than a frame holds, where each has 4,096 numbers."""
    monkeypatch.setattr(local, "EMBEDDED_MAX", 2)
    words = ["one", "two", "three", "one", "four"]

    async def work(engine: Any) -> None:
        vectors = await engine.embed(NAME, words)
        assert len(vectors) == 5 and vectors[3] == pytest.approx(vectors[0])
        worker = engine.workers.processes[NAME]
        before = worker.new_id()
        await engine.embed(NAME, words)
        assert worker.new_id() == before + 4  # three questions

    with_engine(work)


@given(st.lists(st.text(max_size=9), max_size=30), st.integers(1, 25))
def test_texts_are_counted_in_parts_that_lose_none(texts: list[str], limit: int) -> None:
    parts = list(batches(texts, limit))
    assert [text for part in parts for text in part] == texts
    assert all(len(part) == 1 or sum(map(len, part)) <= limit for part in parts)


def test_more_text_than_one_frame_holds_is_counted(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    texts = ["one two three " * 16] * 10_000 + ["one", "one two"]

    async def work(engine: Any) -> None:
        counts = await engine.count(NAME, texts)
        assert (len(counts), counts[-2:]) == (len(texts), [1, 2])
        pid = the_worker(engine).pid
        error = await failure(engine.count(NAME, ["x" * (FRAME_MAX + 1)]))
        assert (error.code, error.retry) == ("too_long", False)
        assert await engine.count(NAME, ["x"]) == [1]
        assert the_worker(engine).pid == pid

    with_engine(work)


@pytest.mark.slow
def test_two_models_on_the_cpu_never_compute_at_once(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        told: list[str] = []

        async def tell(model: str) -> None:
            async for piece in stream_of(engine, ask("Tell a story.", 120), model):
                if isinstance(piece, str):
                    told.append(model)

        await asyncio.gather(engine.load(NAME), engine.load("other"))
        processes = [psutil.Process(model.pid) for model in engine.models() if model.state == "loaded"]
        before, began = [process.cpu_times().user for process in processes], time.monotonic()
        await asyncio.gather(*map(tell, (NAME, "other", NAME, "other")))
        spent = sum(process.cpu_times().user for process in processes) - sum(before)
        assert spent <= 1.2 * (time.monotonic() - began) + 0.2  # two at once would spend twice that
        assert len(list(groupby(told))) >= 3  # the turn was passed on in the middle of the answers
        story = stream_of(engine, STORY)
        async with aclosing(story):
            await first_piece(story)
            assert await engine.count("other", ["one two"]) == [2]  # what is no computing does not wait
        await tell("other")  # the turn was given back

    with_engine(work)


def test_a_prompt_that_does_not_fit_is_refused_and_the_worker_goes_on(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        error = await failure(answer(engine, ask("word " * 3000)))
        assert (error.code, error.retry) == ("too_long", False)
        assert (await answer(engine, ask("hello")))[0]

    with_engine(work)


def test_a_grammar_that_cannot_be_parsed_does_not_kill_the_worker(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        await engine.load(NAME)
        pid = the_worker(engine).pid
        for grammar in ("root ::= (", "nothing", 'root ::= missing "x"', "root ::= [z-"):
            assert (await failure(answer(engine, ask("x", grammar=grammar)))).code == "bad_grammar"
        assert (await answer(engine, ask("hello")))[0]
        assert the_worker(engine).pid == pid

    with_engine(work)


def test_many_that_ask_at_once_start_one_worker(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        counts = await asyncio.gather(*(engine.count(NAME, ["one two three"]) for _ in range(8)))
        assert counts == [[3]] * 8
        workers = [child for child in psutil.Process().children() if "engine.worker" in " ".join(child.cmdline())]
        assert len(workers) == 1

    with_engine(work)


def test_who_gives_up_while_a_model_loads_takes_it_from_nobody(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        impatient = asyncio.create_task(engine.count(NAME, ["x"]))
        patient = asyncio.create_task(engine.count(NAME, ["one two"]))
        await asyncio.sleep(0)
        impatient.cancel()
        assert await patient == [2]

    with_engine(work)


def test_a_models_log_holds_nothing_of_the_prompt(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        await answer(engine, ask("xyzzy-secret"))

    with_engine(work)
    log = Path(paths.runner_dir()) / "workers" / f"{NAME}.log"
    assert "xyzzy" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
