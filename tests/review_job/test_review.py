"""The job from payload to result, with an engine whose answers are written beforehand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from maw.config.load import load
from maw.finding import finding_from_json
from maw_remote.engine.interface import EngineError
from maw_remote.jobs.interface import BadInput, Job, Json
from maw_remote.jobs.registry import make_jobs
from maw_remote.jobs.review.planning import UNITS_MAX
from tests.review_job.changes import NAME, Events, ScriptedEngine, patch, payload
from tests.review_job.test_answer import GOOD

review: Job = make_jobs(load())["review"]
TWO = patch("a.py", [b"x = 1"]) + patch("b.py", [b"x = 1"])


def run(diff: bytes, engine: ScriptedEngine, **more: Any) -> tuple[Json, Events]:
    events = Events()
    asked = payload(diff, **more)
    review.check(asked)
    work = review.run(asked, model=NAME, profile="p", engine=engine, emit=events.emit)
    return asyncio.run(work), events  # type: ignore[arg-type]


def answered(*findings: Any) -> str:
    return json.dumps({"findings": list(findings)})


def test_a_review_tells_its_plan_its_units_and_its_findings_as_they_come() -> None:
    result, events = run(TWO, ScriptedEngine(answered(GOOD), answered()))
    kinds = [kind for kind, _ in events.all if kind != "text"]
    assert kinds == ["plan", "unit", "finding", "unit", "unit", "unit"]
    assert events.of("plan") == [{"units": 2, "skipped": []}]
    assert [(unit["path"], unit["state"], unit["done"], unit["total"]) for unit in events.of("unit")] == [
        ("a.py", "started", 0, 2), ("a.py", "done", 1, 2), ("b.py", "started", 1, 2), ("b.py", "done", 2, 2),
    ]  # fmt: skip
    assert "".join(text["text"] for text in events.of("text")) == answered(GOOD) + answered()
    assert result["findings"] == [events.of("finding")[0]["finding"]]
    assert finding_from_json(result["findings"][0]).path == "a.py"
    assert result["units"] == {"total": 2, "done": 2, "failed": 0}
    assert (result["v"], result["model"], result["profile"]) == (1, NAME, "p")
    stats = result["stats"]
    assert (stats["prompt_tokens"], stats["cached_tokens"], stats["completion_tokens"]) == (200, 80, 20)
    assert 0 < stats["first_token_ms"] <= stats["elapsed_ms"]


@pytest.mark.parametrize(
    "bad",
    [("{", "stop"), (answered(GOOD), "length"), EngineError("too_long", "too long"), answered({"quote": "x"})],
)
def test_what_was_cut_or_cannot_be_read_makes_the_review_incomplete(bad: Any) -> None:
    result, events = run(TWO, ScriptedEngine(bad, answered(GOOD)))
    assert result["units"] == {"total": 2, "done": 1, "failed": 1}
    assert len(result["findings"]) == 1
    failed = [unit for unit in events.of("unit") if unit["state"] == "failed"]
    assert len(failed) == 1
    assert failed[0]["reason"]


@pytest.mark.parametrize("code", ["worker_lost", "model_missing"])
def test_a_model_that_is_lost_is_the_runners_matter(code: str) -> None:
    with pytest.raises(EngineError):
        run(TWO, ScriptedEngine(EngineError(code, "gone", retry=True)))


@pytest.mark.parametrize("diff", [b"", patch("yarn.lock", [b"x"])])
def test_with_nothing_to_review_no_model_is_asked(diff: bytes) -> None:
    class NoModel(ScriptedEngine):
        async def count(self, model: str, texts: Any) -> list[int]:
            raise AssertionError("the model was asked")

    result, events = run(diff, NoModel(), skipped=[{"path": "big", "reason": "too large"}])
    assert result["units"] == {"total": 0, "done": 0, "failed": 0}
    assert result["findings"] == []
    assert {"path": "big", "reason": "too large"} in result["skipped"]
    assert (len(result["skipped"]) == 2) is bool(diff)
    assert [kind for kind, _ in events.all] == ["plan"]


def test_the_loading_of_a_model_is_told() -> None:
    class Cold(ScriptedEngine):
        def models(self) -> Any:
            return []

    assert run(TWO, Cold())[1].all[0] == ("loading", {"model": NAME})


def test_the_grammar_and_the_token_limit_go_with_each_request() -> None:
    engine = ScriptedEngine()
    run(TWO, engine)
    assert all(asked.grammar and '"1| x = 1"' in asked.grammar for asked in engine.asked)
    assert {asked.temperature for asked in engine.asked} == {0.0}
    assert all(asked.max_tokens < 2048 for asked in engine.asked)


def test_a_small_context_makes_small_units_and_a_tiny_one_is_refused() -> None:
    diff = patch("a.py", [b"x = %d # some words here" % number for number in range(100)])
    large, small = (run(diff, ScriptedEngine(context=context))[0] for context in (8192, 2200))
    assert small["units"]["total"] > large["units"]["total"]
    with pytest.raises(BadInput, match="rules"):
        run(diff, ScriptedEngine(context=2200), rules=[{"glob": "**", "text": "word " * 400}])


@pytest.mark.parametrize(
    "broken",
    [
        {"v": 2}, {"diff": None}, {"diff": "!"}, {"rules": {}}, {"rules": [1]}, {"rules": [{"glob": "x"}]},
        {"exclude": [1]}, {"skipped": ["x"]}, {"skipped": [{"path": 1, "reason": ""}]}, {"max_file_bytes": -1},
        {"max_file_bytes": True}, {"title": 1}, {"rules": [{"text": "x"}] * 201}, {"rules": [{"text": "x" * 4001}]},
    ],
)  # fmt: skip
def test_a_payload_that_is_none_is_refused_before_it_is_queued(broken: Json) -> None:
    with pytest.raises(BadInput):
        review.check(payload(TWO) | broken)


def test_what_is_no_patch_is_bad_input() -> None:
    with pytest.raises(BadInput, match="not a patch"):
        run(b"hello\n", ScriptedEngine())


def test_the_fingerprint_follows_what_determines_the_answer() -> None:
    base = review.fingerprint(payload(TWO))
    assert review.fingerprint(payload(TWO, title="another", tree="1" * 40)) == base
    assert review.fingerprint(payload(TWO[:-1])) != base
    assert review.fingerprint(payload(TWO, rules=[{"glob": "**", "text": "x"}])) != base
    assert review.fingerprint(payload(TWO, exclude=["x"])) != base


def test_the_recipe_follows_the_settings_that_were_given_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_jobs(load())["review"]
    before = job.recipe()
    monkeypatch.setenv("MAW_RUNNER_UNIT_TOKENS", "77")
    assert job.recipe() == before  # what a running runner was not told changes nothing
    job.configure(load())
    assert job.recipe() != before
    assert job.recipe() == make_jobs(load())["review"].recipe()


def test_a_change_is_cut_beside_the_loop() -> None:
    """Others get their turns before the model is first asked, though no answer here is ever waited for."""
    turns: list[int] = []

    class Asked(ScriptedEngine):
        async def count(self, model: str, texts: Any) -> list[int]:
            turns.append(ticks)
            return await super().count(model, texts)

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def both() -> None:
        ticking = asyncio.create_task(tick())
        await review.run(payload(TWO), model=NAME, profile="p", engine=Asked(), emit=Events().emit)  # type: ignore[arg-type]
        ticking.cancel()

    asyncio.run(both())
    assert 0 < turns[0] < turns[1]


def test_a_change_of_too_many_units_is_reviewed_up_to_a_bound_and_the_rest_is_told() -> None:
    paths = [f"f{number:04}.py" for number in range(UNITS_MAX + 3)]
    large = patch("large.py", [b"x = %d" % number for number in range(250)])  # two units
    diff = b"".join(patch(path, [b"x = 1"]) for path in paths[: UNITS_MAX - 1]) + large
    diff += b"".join(patch(path, [b"x = 1"]) for path in paths[UNITS_MAX - 1 :])
    result, events = run(diff, ScriptedEngine())
    assert result["units"] == {"total": UNITS_MAX - 1, "done": UNITS_MAX - 1, "failed": 0}
    assert [entry["path"] for entry in result["skipped"]] == ["large.py", *paths[UNITS_MAX - 1 :]]
    assert all("at most" in entry["reason"] for entry in result["skipped"])
    assert events.of("plan") == [{"units": UNITS_MAX - 1, "skipped": result["skipped"]}]
