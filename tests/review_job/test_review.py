"""The job from payload to result, with an engine that plays answers by a script."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from maw.config.load import load
from maw.finding import finding_from_json
from maw_remote.engine.interface import EngineError, Field, Request, Text, Usage
from maw_remote.jobs.interface import BadInput, Job, Json
from maw_remote.jobs.registry import make_jobs
from maw_remote.jobs.review import prompting
from maw_remote.jobs.review.planning import UNITS_MAX
from tests.review_job.changes import Events, patch, payload
from tests.review_job.player import NAME, Answer, Player, Script

pytestmark = pytest.mark.usefixtures("home")
review: Job = make_jobs(load())["review"]
PROFILE = "p"
SHARED = len(prompting.shared("a.py", []))
TWO = patch("a.py", [b"x = 1"]) + patch("b.py", [b"x = 1"])
FOUND = {"1.finding": "yes", "1.line": "1", "1.scenario": " When…", "1.title": " Wrong", "1.severity": "error",
         "1.category": "bug", "1.suggestion": " Do.", "holds": "yes"}  # fmt: skip


def path_of(request: Request) -> str:
    found = re.match(r"File: (\S+)", request.messages[-1].text)
    assert found
    return found[1]


def finds_in(*paths: str, **more: str) -> Script:
    """One finding in each of these files."""

    def script(request: Request) -> Answer:
        return FOUND | more if path_of(request) in paths else {}

    return script


def run(diff: bytes, engine: Player, *, job: Job = review, since: float = 0.0, **more: Any) -> tuple[Json, Events]:
    events = Events()
    asked = payload(diff, **more)
    job.check(asked)
    work = job.run(asked, model=NAME, profile=PROFILE, engine=engine, emit=events.emit, since=since)
    return asyncio.run(work), events  # type: ignore[arg-type]


def job_with(monkeypatch: pytest.MonkeyPatch, verify: str) -> Job:
    monkeypatch.setenv("MAW_REVIEW_VERIFY", verify)
    return make_jobs(load())["review"]


def test_a_review_tells_its_plan_its_units_and_its_findings_as_they_come() -> None:
    result, events = run(TWO, Player(finds_in("a.py")))
    kinds = [kind for kind, _ in events.all if kind != "text"]
    assert kinds == ["plan", "unit", "finding", "unit", "unit", "unit"]
    assert events.of("plan") == [{"units": 2, "reused": 0, "skipped": []}]
    assert [(unit["path"], unit["state"], unit["done"], unit["total"]) for unit in events.of("unit")] == [
        ("a.py", "started", 0, 2), ("a.py", "done", 1, 2), ("b.py", "started", 1, 2), ("b.py", "done", 2, 2),
    ]  # fmt: skip
    assert "".join(text["text"] for text in events.of("text")) == "line 1: When…\n Wrong\n Do.\n"
    assert result["findings"] == [events.of("finding")[0]["finding"]]
    finding = finding_from_json(result["findings"][0])
    assert (finding.path, finding.confidence, finding.verified, finding.verified_confidence) == (
        "a.py", 0.75 * 0.75, True, 0.75,
    )  # fmt: skip
    assert result["units"] == {"total": 2, "done": 2, "failed": 0, "reused": 0}
    assert (result["v"], result["model"], result["profile"]) == (1, NAME, "p")
    stats = result["stats"]
    assert (stats["prompt_tokens"], stats["cached_tokens"], stats["completion_tokens"]) == (300, 120, 30)
    assert 0 < stats["first_token_ms"] <= stats["elapsed_ms"]
    assert stats["tokens_per_s"] > 0


def test_the_chance_that_a_unit_has_a_finding_is_told() -> None:
    result, events = run(TWO, Player(finds_in("a.py")))
    assert [unit["probability"] for unit in events.of("unit") if unit["state"] == "done"] == [0.75, 0.25]
    assert [(entry["path"], entry["probability"]) for entry in result["judged"]] == [("a.py", 0.75), ("b.py", 0.25)]
    ids = [unit["unit"] for unit in events.of("unit") if unit["state"] == "done"]
    assert [entry["unit"] for entry in result["judged"]] == ids


def test_a_backend_that_knows_no_probabilities_is_as_good() -> None:
    result, _ = run(TWO, Player(finds_in("a.py", holds="no"), probabilities=False))
    (finding,) = result["rejected"]
    assert (finding["confidence"], finding["verified"], finding["verified_confidence"]) == (None, False, None)
    assert {entry["probability"] for entry in result["judged"]} == {None}


def test_what_does_not_hold_is_rejected_and_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player(finds_in("a.py", holds="no"))
    result, events = run(TWO, player)
    assert result["findings"] == [] == events.of("finding")
    assert [entry["finding"] for entry in events.of("rejected")] == result["rejected"]
    assert (result["rejected"][0]["verified"], result["rejected"][0]["verified_confidence"]) == (False, 0.25)
    assert result["units"]["done"] == 2
    asked = [len(request.messages) for request in player.asked]
    assert asked == [SHARED + 1] * 3
    for verify, looks in (("false", 2), ("another-model", 2), (f"x,{NAME}", 3), ("true", 3)):
        player = Player(finds_in("a.py", holds="no"))
        result, _ = run(TWO, player, job=job_with(monkeypatch, verify), since=float("inf"))
        assert len(player.asked) == looks
        assert ("verified" in (result["findings"] + result["rejected"])[0]) is (looks == 3)


def test_a_finding_that_says_nothing_is_not_asked_about() -> None:
    player = Player(lambda _: {"1.finding": "yes"})
    result, _ = run(TWO, player)
    assert len(player.asked) == 2
    assert [finding["scenario"] for finding in result["findings"]] == ["", ""]


def test_all_requests_share_the_instructions_and_those_with_the_same_rules_follow_each_other() -> None:
    player = Player(finds_in("1.py"))
    diff = b"".join(patch(name, [b"x = 1"]) for name in ("1.py", "1.js", "2.py", "2.js"))
    result, _ = run(diff, player, rules=[{"glob": "*.py", "text": "Money is Decimal."}])
    assert [path_of(request) for request in player.asked] == ["1.py", "1.py", "2.py", "1.js", "2.js"]
    assert {request.shared for request in player.asked} == {SHARED}
    assert {request.temperature for request in player.asked} == {0.0}
    begins = [request.messages[:SHARED] for request in player.asked]
    assert begins[0] == begins[1] == begins[2] != begins[3] == begins[4]
    assert [entry["path"] for entry in result["judged"]] == ["1.py", "1.js", "2.py", "2.js"]


@pytest.mark.parametrize("parallel", [1, 3, 50])
def test_as_many_units_are_under_way_as_the_engine_takes(parallel: int) -> None:
    paths = [f"{number:02}.py" for number in range(20)]
    player = Player(finds_in(*paths[::2]), parallel=parallel)
    result, events = run(b"".join(patch(path, [b"x = 1", b"y"]) for path in paths), player)
    assert player.most == min(parallel, 20)
    assert [finding["path"] for finding in result["findings"]] == paths[::2]
    done = [unit for unit in events.of("unit") if unit["state"] == "done"]
    assert [unit["done"] for unit in done] == list(range(1, 21))
    assert {unit["path"] for unit in done} == set(paths)
    told = [(kind, data) for kind, data in events.all if kind in ("finding", "unit")]
    for finding in result["findings"]:  # told before its unit is over
        over = next(data for kind, data in told if data.get("unit") == finding["unit"] and data["state"] == "done")
        assert told.index(("finding", {"finding": finding})) < told.index(("unit", over))


def test_findings_come_in_the_order_of_files_and_lines_whatever_ends_first() -> None:
    lines = {"1.line": "3", "2.finding": "yes", "2.line": "1"}
    player = Player(finds_in("b.py", "a.py", **lines), parallel=2)
    diff = patch("b.py", [b"x", b"y", b"z"]) + patch("a.py", [b"x", b"y", b"z"])
    result, _ = run(diff, player)
    assert [(finding["path"], finding["line"]) for finding in result["findings"]] == [
        ("b.py", 1), ("b.py", 3), ("a.py", 1), ("a.py", 3),
    ]  # fmt: skip


def test_a_unit_that_fails_harms_no_other() -> None:
    def script(request: Request) -> Any:
        return EngineError("too_long", "too long") if path_of(request) == "a.py" else FOUND

    result, events = run(TWO, Player(script, parallel=2))
    assert result["units"] == {"total": 2, "done": 1, "failed": 1, "reused": 0}
    assert [finding["path"] for finding in result["findings"]] == ["b.py"]
    (failed,) = [unit for unit in events.of("unit") if unit["state"] == "failed"]
    assert (failed["path"], failed["reason"]) == ("a.py", "too long")
    assert [entry["probability"] for entry in result["judged"]] == [None, 0.75]


def test_an_answer_that_a_server_cut_makes_its_unit_fail_and_loses_no_finding() -> None:
    class Cut(Player):
        async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
            async for part in super().run(model, request):
                if not (isinstance(part, Field) and part.name.startswith("2.") and path_of(request) == "a.py"):
                    yield part

    two = patch("a.py", [b"x = 1", b"y"]) + patch("b.py", [b"x = 1", b"y"])
    result, events = run(two, Cut(finds_in("a.py", "b.py", **{"2.finding": "yes"})))
    assert result["units"] == {"total": 2, "done": 1, "failed": 1, "reused": 0}
    found = [(finding["path"], finding["line"]) for finding in result["findings"]]
    assert found == [("a.py", 1), ("b.py", 1), ("b.py", 2)]
    assert [entry["finding"] for entry in events.of("finding")] == result["findings"]
    assert "2.finding" in next(unit["reason"] for unit in events.of("unit") if unit["state"] == "failed")


def test_what_a_server_said_before_its_answer_became_unreadable_is_not_lost() -> None:
    class Garbage(Player):
        async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
            async with aclosing(super().run(model, request)) as parts:
                async for part in parts:
                    if isinstance(part, Field) and part.name == "2.finding":
                        raise EngineError("bad_answer", "the answer has something else than a {")
                    yield part

    result, events = run(patch("a.py", [b"x = 1", b"y"]), Garbage(finds_in("a.py")))
    assert result["units"] == {"total": 1, "done": 0, "failed": 1, "reused": 0}
    assert [(finding["line"], finding.get("verified")) for finding in result["findings"]] == [(1, None)]
    assert events.of("unit")[-1]["reason"] == "the answer has something else than a {"


@pytest.mark.parametrize("code", ["worker_lost", "model_missing"])
def test_a_model_that_is_lost_is_the_runners_matter_and_stops_all(code: str) -> None:
    def script(request: Request) -> Any:
        return EngineError(code, "gone", retry=True) if path_of(request) == "3.py" else FOUND

    player = Player(script, parallel=4)
    with pytest.raises(EngineError, match="gone"):
        run(b"".join(patch(f"{number}.py", [b"x"]) for number in range(9)), player)
    assert player.left >= 4
    assert len(player.asked) < 9


def test_a_cancelled_review_leaves_nothing_under_way() -> None:
    player = Player(finds_in(*(f"{number}.py" for number in range(9))), parallel=4)
    diff = b"".join(patch(f"{number}.py", [b"x"]) for number in range(9))

    async def work() -> None:
        events = Events()

        async def emit(kind: str, data: Json) -> None:
            await events.emit(kind, data)
            if len(events.of("text")) == 5:
                body.cancel()

        body = asyncio.create_task(review.run(payload(diff), model=NAME, profile="p", engine=player, emit=emit))  # type: ignore[arg-type]
        with pytest.raises(asyncio.CancelledError):
            await body
        assert player.left == 4

    asyncio.run(work())


@pytest.mark.parametrize("diff", [b"", patch("yarn.lock", [b"x"])])
def test_with_nothing_to_review_no_model_is_asked(diff: bytes) -> None:
    class NoModel(Player):
        async def count(self, model: str, texts: Any) -> list[int]:
            raise AssertionError("the model was asked")

    result, events = run(diff, NoModel(), skipped=[{"path": "big", "reason": "too large"}])
    assert result["units"] == {"total": 0, "done": 0, "failed": 0, "reused": 0}
    assert result["findings"] == []
    assert {"path": "big", "reason": "too large"} in result["skipped"]
    assert (len(result["skipped"]) == 2) is bool(diff)
    assert [kind for kind, _ in events.all] == ["plan"]


def test_the_loading_of_a_model_is_told() -> None:
    class Cold(Player):
        def models(self) -> Any:
            return []

    assert run(TWO, Cold())[1].all[0] == ("loading", {"model": NAME})


def test_a_small_context_makes_small_units_and_a_tiny_one_is_refused() -> None:
    diff = patch("a.py", [b"x = %d # some words here" % number for number in range(100)])
    large, small = (run(diff, Player(context=context))[0] for context in (8192, 2200))
    assert small["units"]["total"] > large["units"]["total"]
    with pytest.raises(BadInput, match="rules"):
        run(diff, Player(context=2200), rules=[{"glob": "**", "text": "word " * 600}])


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
        run(b"hello\n", Player())


def test_the_fingerprint_follows_what_determines_the_answer() -> None:
    base = review.fingerprint(payload(TWO))
    assert review.fingerprint(payload(TWO, title="another", tree="1" * 40)) == base
    assert review.fingerprint(payload(TWO[:-1])) != base
    assert review.fingerprint(payload(TWO, rules=[{"glob": "**", "text": "x"}])) != base
    assert review.fingerprint(payload(TWO, exclude=["x"])) != base


@pytest.mark.parametrize("setting", ["MAW_RUNNER_UNIT_TOKENS=77", "MAW_REVIEW_VERIFY=false"])
def test_the_recipe_follows_the_settings_that_were_given_and_no_others(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    job = make_jobs(load())["review"]
    before = job.recipe()
    monkeypatch.setenv(*setting.split("="))  # type: ignore[arg-type]
    assert job.recipe() == before  # what a running runner was not told changes nothing
    job.configure(load())
    assert job.recipe() != before
    assert job.recipe() == make_jobs(load())["review"].recipe()


@pytest.mark.parametrize("name", prompting.NAMES)
def test_the_recipe_follows_the_prompts(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = make_jobs(load())["review"].recipe()
    load_prompt = prompting.load
    monkeypatch.setattr(prompting, "load", lambda asked: load_prompt(asked) + "!" * (asked == name))
    assert make_jobs(load())["review"].recipe() != before


def test_a_change_is_cut_beside_the_loop() -> None:
    """Others get their turns before the model is first asked, though no answer here is ever waited for."""
    turns: list[int] = []

    class Asked(Player):
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


def test_a_change_of_too_many_units_is_reviewed_up_to_a_bound_and_is_incomplete() -> None:
    paths = [f"f{number:04}.py" for number in range(UNITS_MAX + 3)]
    large = patch("large.py", [b"x = %d" % number for number in range(250)])  # two units
    diff = b"".join(patch(path, [b"x = 1"]) for path in paths[: UNITS_MAX - 1]) + large
    diff += b"".join(patch(path, [b"x = 1"]) for path in paths[UNITS_MAX - 1 :])
    result, events = run(diff, Player(parallel=8))
    assert result["units"] == {"total": UNITS_MAX + 4, "done": UNITS_MAX, "failed": 4, "reused": 0}
    assert [entry["path"] for entry in result["skipped"]] == ["large.py", *paths[UNITS_MAX:]]
    assert all("at most" in entry["reason"] for entry in result["skipped"])
    assert events.of("plan") == [{"units": UNITS_MAX, "reused": 0, "skipped": result["skipped"]}]


def test_a_small_edit_is_reviewed_beside_a_file_that_fills_a_review() -> None:
    huge = patch("a.py", [b"x = 1"] * 200 * (UNITS_MAX + 1))
    small = patch("b.py", [b"y = 1"]) + patch("c.py", [b"z = 1"])
    result, events = run(huge + small, Player(), max_file_bytes=10_000_000)
    assert [entry["path"] for entry in result["skipped"]] == ["a.py"]
    assert [event["path"] for event in events.of("unit") if event["state"] == "done"] == ["b.py", "c.py"]


def test_a_patch_that_says_the_same_twice_is_judged_once(home: Path) -> None:
    result, _ = run(patch("a.py", [b"x"]) * 2, Player())
    assert result["units"] == {"total": 1, "done": 1, "failed": 0, "reused": 0}
