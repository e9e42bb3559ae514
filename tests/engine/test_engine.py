"""The engine with the real embedded model: what it answers, and what happens when things go wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw import paths
from maw.config.load import load
from maw_remote.engine.frames import FRAME_MAX
from maw_remote.engine.interface import EngineError, Message, Request, Text, Usage
from maw_remote.engine.local import batches
from maw_remote.engine.program import Write
from tests.engine.ggufs import gguf, write
from tests.fixtures.model import NAME, EmbeddedModel

psutil = pytest.importorskip("psutil")
pytestmark = pytest.mark.model

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


def test_a_worker_that_hangs_with_the_turn_loses_it(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        await asyncio.gather(engine.load(NAME), engine.load("other"))
        story = stream_of(engine, STORY)
        await first_piece(story)
        os.kill(engine.workers.processes[NAME].pid, signal.SIGSTOP)
        assert (await answer(engine, ask("hello"), "other"))[0]
        assert (await failure(_drain(story))).code == "worker_hung"

    with_engine(work, hang_after=3.0)


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


def test_the_state_of_a_model_is_told(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        before = {model.name: model for model in engine.models()}
        assert (before[NAME].state, before[NAME].roles) == ("installed", ["manager"])
        assert before["phi-4-mini-instruct"].state == "available"
        stream = stream_of(engine, STORY)
        async with aclosing(stream):
            await first_piece(stream)
            model = the_worker(engine)
            assert (model.name, model.busy, model.context) == (NAME, 1, 2048)
            assert model.memory > 80_000_000
        assert the_worker(engine).busy == 0

    with_engine(work, roles=(("manager", NAME),))


def test_unload_ends_the_process_and_the_next_request_starts_another(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    async def work(engine: Any) -> None:
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await engine.unload(NAME)
        assert not psutil.pid_exists(pid)
        assert (await engine.count(NAME, ["x"])) == [1]
        assert the_worker(engine).pid != pid

    with_engine(work)


def test_an_idle_model_leaves_and_a_pinned_one_stays(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        engine.pin(NAME, True)
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await asyncio.sleep(0.5)
        assert the_worker(engine).pid == pid
        engine.pin(NAME, False)
        await gone(pid)

    with_engine(work, keep_alive=0.1)


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
        assert (await failure(_drain(stream))).code == "worker_lost"

    with_engine(work)


async def _drain(stream: Any) -> None:
    async for _ in stream:
        pass


def test_a_model_that_is_not_there(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        error = await failure(engine.load("phi-4-mini-instruct"))
        assert (error.code, error.retry) == ("model_missing", False)
        assert "maw model pull phi-4-mini-instruct" in str(error.hint)
        assert engine.identity("phi-4-mini-instruct") == "missing"
        assert (await failure(engine.load("../../etc/passwd"))).code in ("model_missing", "model_broken")

    with_engine(work)


def test_a_slip_in_the_catalogue_does_not_stop_the_models_that_are_here(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    file = Path(paths.catalogue_file())

    async def work(engine: Any) -> None:
        file.write_text('[models.mine]\nsource = "pypi:mine"\n')
        assert "mine" in {model.name for model in engine.models()}
        file.write_text('[models.mine]\nsauce = "pypi:mine"\n')
        states = {model.name: model.state for model in engine.models()}
        assert (states["mine"], states[NAME]) == ("available", "installed")
        assert await engine.count(NAME, ["one two"]) == [2]
        error = await failure(engine.load("mine"))
        assert (error.code, error.retry) == ("bad_catalogue", False)
        assert str(file) in error.message and "sauce" in error.message
        assert engine.problem == error.message
        file.unlink()
        assert engine.models() and engine.problem is None

    with_engine(work)


def test_a_catalogue_that_was_never_right_leaves_the_shipped_one(home: Path, with_engine: WithEngine) -> None:
    Path(paths.catalogue_file()).write_text("[models")

    async def work(engine: Any) -> None:
        assert NAME in {model.name for model in engine.models()}

    with_engine(work)


@pytest.mark.parametrize("damage", ["gone", "not a GGUF", "truncated", "zero-filled", "no weights behind the header"])
def test_a_model_file_that_was_damaged(
    home: Path, embedded_model_file: EmbeddedModel, with_engine: WithEngine, damage: str
) -> None:
    file = write(home / "m.gguf", gguf())

    def harm() -> None:
        whole = file.read_bytes()
        if damage == "gone":
            file.unlink()
        elif damage == "not a GGUF":
            file.write_bytes(b"PK\3\4" + whole[4:])
        elif damage == "truncated":
            file.write_bytes(whole[: len(whole) // 2])
        elif damage == "zero-filled":
            file.write_bytes(bytes(len(whole)))

    async def work(engine: Any) -> None:
        engine.store.pull("mine", f"path:{file}", lambda *_: None)
        harm()
        error = await failure(engine.load("mine"))
        assert (error.code, error.retry) == ("model_missing" if damage == "gone" else "model_broken", False)
        state = next(model for model in engine.models() if model.name == "mine")
        assert state.state == "broken"
        assert state.error
        assert engine.workers.processes == {}
        if damage == "no weights behind the header":
            assert "error loading model" in error.message  # what llama.cpp says, not only that it failed

    with_engine(work)


def test_identity_follows_the_file_and_never_loads_it(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        first = engine.identity(NAME)
        assert first.startswith(engine.store.installed(NAME).sha256)
        mine = write(Path(paths.state_dir()) / "m.gguf", gguf())
        engine.store.pull("mine", f"path:{mine}", lambda *_: None)
        before = engine.identity("mine")
        mine.write_bytes(gguf(tensors=2))
        assert engine.identity("mine") not in (before, "missing")
        mine.unlink()
        assert engine.identity("mine") == "missing"
        assert engine.models()
        assert not [model for model in engine.models() if model.state == "loaded"]

    with_engine(work)


def test_a_models_log_holds_nothing_of_the_prompt(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        await answer(engine, ask("xyzzy-secret"))

    with_engine(work)
    log = Path(paths.runner_dir()) / "workers" / f"{NAME}.log"
    assert "xyzzy" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def configured(**settings: str | int) -> Any:
    """The configuration with these settings, named as in the file but for _ instead of the dot."""
    lines = [f"{key.replace('_', '.', 1)} = {value!r}\n" for key, value in settings.items()]
    Path(paths.config_file()).write_text("".join(lines))
    return load()


def test_models_whose_settings_changed_are_loaded_anew(embedded_model: EmbeddedModel, with_engine: WithEngine) -> None:
    async def work(engine: Any) -> None:
        same = {"roles_manager": NAME, "runner_threads": 1}
        await engine.configure(configured(**same, runner_context=1024))
        assert not engine.workers.processes and not engine.workers.loading  # nothing was loaded, so nothing is now
        assert await engine.context(NAME) == 1024
        pid = the_worker(engine).pid
        before = engine.identity(NAME)
        await engine.configure(configured(**same, runner_context=1024, runner_keep_alive=60))
        assert the_worker(engine).pid == pid
        await engine.configure(configured(**same, runner_context=512))
        await gone(pid)
        assert [model.state for model in engine.models() if model.name == NAME] == ["loading"]
        assert await engine.context(NAME) == 512
        assert engine.identity(NAME) != before

    with_engine(work)


def test_a_roles_new_model_takes_the_place_of_the_one_that_was_loaded(
    embedded_model: EmbeddedModel, with_engine: WithEngine
) -> None:
    embedded_model.install("other")

    async def work(engine: Any) -> None:
        await engine.configure(configured(roles_manager=NAME, runner_threads=1))
        await engine.load(NAME)
        pid = the_worker(engine).pid
        await engine.configure(configured(roles_manager="other", runner_threads=1))
        await gone(pid)
        assert await engine.count("other", ["hello"]) == [1]
        assert the_worker(engine).name == "other"
        engine.pin("other", True)
        await engine.configure(configured(roles_manager="not-here", runner_threads=1))
        assert (await failure(engine.load("not-here"))).code == "model_missing"
        assert the_worker(engine).name == "other"  # a pinned one stays, whatever its role

    with_engine(work)
