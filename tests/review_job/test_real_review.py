"""Programs, and whole reviews, with the real embedded model. What it says is of no worth; that it holds is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from maw import paths
from maw.config.load import load
from maw.finding import finding_from_json
from maw_remote.engine.interface import Field, Message, Request, Usage
from maw_remote.engine.program import Option, Pick, Program, Step
from maw_remote.jobs.interface import Json
from maw_remote.jobs.registry import make_jobs
from maw_remote.jobs.review import answer, prompting, shape, units
from maw_remote.jobs.review.shape import Limits
from tests.fixtures.model import NAME, EmbeddedModel
from tests.review_job.changes import Events, patch, payload
from tests.review_job.nasty import NASTY, unit_of

pytestmark = pytest.mark.model
SMALL = Limits(findings=2, scenario=6, title=3, suggestion=3, replacement=3)


def forced(unit: units.Unit, limits: Limits) -> Program:
    """The unit's program without the ways to find nothing, so that a model that finds none is heard, too."""

    def without(step: Step) -> Step:
        if not isinstance(step, Pick):
            return step
        left = [option for option in step.options if not step.name.endswith(".finding") or option.value == shape.YES]
        options = tuple(Option(option.text, option.value, tuple(map(without, option.then))) for option in left)
        return Pick(step.name, options, step.unlike)

    return tuple(map(without, shape.build((line.new or 0 for line in unit.judged()), limits)))


async def said(engine: Any, request: Request) -> dict[str, Field]:
    async with aclosing(engine.run(NAME, request)) as parts:
        found = [part async for part in parts]
    assert isinstance(found[-1], Usage)
    return {part.name: part for part in found if isinstance(part, Field)}


async def judged(engine: Any, unit: units.Unit, program: Program, limits: Limits, **more: Any) -> answer.Answer:
    ask = prompting.messages(unit, [])[-1]  # without the instructions: it would be no other answer, only later
    request = Request([Message("system", "Find faults."), ask], program, shared=1, **more)
    fields = await said(engine, request)
    for field in fields.values():
        assert field.probability is None or 0 <= field.probability <= 1
        assert field.mass is None or 0 <= field.mass <= 1.0001
    return answer.read(fields, unit, limits)


def pid(engine: Any) -> int:
    return next(model.pid for model in engine.models() if model.pid)


@pytest.mark.slow
def test_answers_about_nasty_lines_are_well_formed(
    embedded_model: EmbeddedModel, with_engine: Callable[..., Any]
) -> None:
    async def work(engine: Any) -> None:
        await engine.load(NAME)
        worker = pid(engine)
        cases = [unit_of(NASTY[name]) for name in ("format", "control tokens", "not UTF-8", "alike", "one")]
        found = await asyncio.gather(
            *(judged(engine, unit, forced(unit, SMALL), SMALL, temperature=1.0, seed=7) for unit in cases)
        )
        assert [len(one.findings) for one in found] == [2, 2, 2, 2, 1]
        for one in found:
            assert len({finding.line for finding in one.findings}) == len(one.findings)
            assert all(0 <= (finding.confidence or 0) <= 1 for finding in one.findings)
        assert pid(engine) == worker  # none of them killed it

    with_engine(work, context=4096)


@pytest.mark.slow
def test_a_unit_all_of_whose_lines_were_named_ends(
    embedded_model: EmbeddedModel, with_engine: Callable[..., Any]
) -> None:
    """The choice of the last line has one option left."""
    tiny = Limits(findings=9, scenario=2, title=2, suggestion=2, replacement=2)
    unit = unit_of([b"a = 1", b"b = 2", b"c = 3"])

    async def work(engine: Any) -> None:
        found = (await judged(engine, unit, forced(unit, tiny), tiny)).findings
        assert {finding.line for finding in found} == {1, 2, 3}
        assert found[-1].confidence == pytest.approx(1.0, abs=0.01)

    with_engine(work, context=2048)


@pytest.mark.slow
def test_two_hundred_answers_are_well_formed(embedded_model: EmbeddedModel, with_engine: Callable[..., Any]) -> None:
    cases = [unit_of(lines[:12]) for lines in NASTY.values()]
    tiny = Limits(findings=2, scenario=3, title=2, suggestion=2, replacement=2)

    async def work(engine: Any) -> None:
        await engine.load(NAME)
        worker = pid(engine)
        turns = iter(range(200))

        async def one_after_another() -> None:
            for turn in turns:
                unit = cases[turn % len(cases)]
                free = shape.build((line.new or 0 for line in unit.judged()), tiny)
                program = free if turn % 4 else forced(unit, tiny)
                temperature = (0.0, 0.3, 1.0, 2.0)[turn // 4 % 4]
                found = await judged(engine, unit, program, tiny, temperature=temperature, seed=turn)
                assert len(found.findings) <= tiny.findings

        await asyncio.gather(*(one_after_another() for _ in range(engine.parallel(NAME))))
        many = unit_of(NASTY["many"])
        found = await judged(engine, many, forced(many, SMALL), SMALL)
        assert len({finding.line for finding in found.findings}) == 2
        assert pid(engine) == worker

    with_engine(work, context=4096, timeout=1200)


def test_a_real_review_and_another_with_one_more_file(
    embedded_model: EmbeddedModel, with_engine: Callable[..., Any]
) -> None:
    paths.make_private_dir(paths.runner_dir())
    diff = patch("last.py", [b"def last(values):", b"    return values[len(values)]"])
    events = Events()

    async def work(engine: Any) -> tuple[Json, Json]:
        job = make_jobs(load())["review"]
        first = await job.run(payload(diff), model=NAME, profile="p", engine=engine, emit=events.emit)
        more = payload(diff + patch("new.py", [b"x = 1"]))
        return first, await job.run(more, model=NAME, profile="p", engine=engine, emit=Events().emit)

    result, second = with_engine(work, context=4096)
    assert result["units"] == {"total": 1, "done": 1, "failed": 0, "reused": 0}
    assert [kind for kind, _ in events.all][:2] == ["loading", "plan"]
    assert [entry["finding"] for entry in events.of("finding")] == result["findings"]
    for item in [*result["findings"], *result["rejected"]]:
        finding = finding_from_json(item)
        assert finding.quote.encode() in diff
        assert finding.confidence is not None and 0 < finding.confidence < 1
        assert finding.verified is (item in result["findings"])
    assert second["units"] == {"total": 2, "done": 2, "failed": 0, "reused": 1}
    assert [finding for finding in second["findings"] if finding["path"] != "new.py"] == result["findings"]
    assert second["stats"]["cached_tokens"] > 300  # its unit finds the instructions evaluated
    assert all(0 < entry["probability"] < 1 for entry in second["judged"])


def test_a_cancelled_review_stops_its_worker(embedded_model: EmbeddedModel, with_engine: Callable[..., Any]) -> None:
    diff = b"".join(patch(f"f{number}.py", [b"x = 1 / 0"] * 20) for number in range(20))

    async def work(engine: Any) -> None:
        def busy() -> int:
            return next(int(model.busy) for model in engine.models() if model.name == NAME)

        events = Events()
        job = make_jobs(load())["review"]
        review = asyncio.create_task(job.run(payload(diff), model=NAME, profile="p", engine=engine, emit=events.emit))
        while not (busy() and events.of("unit")):
            await asyncio.sleep(0.01)
        review.cancel()
        with pytest.raises(asyncio.CancelledError):
            await review
        assert busy() == 0
        assert await asyncio.wait_for(engine.count(NAME, ["x"]), 20) == [1]  # the worker is free

    with_engine(work, context=4096)
