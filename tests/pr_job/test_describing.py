"""Descriptions by an engine that plays its part: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.config.load import load
from maw_remote.engine.interface import EngineError
from maw_remote.engine.program import max_tokens
from maw_remote.jobs import digest
from maw_remote.jobs.interface import BadInput, Json
from maw_remote.jobs.pr import PrJob, prompting, shape
from tests.review_job.changes import Events, patch
from tests.review_job.changes import payload as base_payload
from tests.review_job.player import NAME, Player

SMALL = patch("src/a.py", [b"one = 1", b"two = 2"], removed=[b"one = 0"])
ANSWER = {
    "title": ' "Count to two."',
    "summary": " It counts further:\n  up to two.\n- It forgets zero.\n- It forgets zero.\n* ```\n2. \x1b[1mbold",
    "risk": " Whoever needs zero has none. ",
    "level": "medium",
    "tests": " Run `make test`.",
}


def payload(diff: bytes = SMALL, **more: Any) -> Json:
    commits = [{"subject": "Count", "body": "Because.", "notes": ["its review found: error: x"]}]
    return base_payload(diff, commits=commits, facts=["1 file"], instruction="", project="", **more)


def describe(engine: Player, asked: Json) -> tuple[Json, Events]:
    events = Events()
    job = PrJob(load())
    job.check(asked)
    return asyncio.run(job.run(asked, model=NAME, profile="p", engine=engine, emit=events.emit)), events


def test_a_description() -> None:
    result, events = describe(Player(lambda _: ANSWER), payload())
    assert result["title"] == "Count to two"
    assert result["summary"] == ["It counts further: up to two.", "It forgets zero.", "[1mbold"]
    assert result["risk"] == {"level": "medium", "probability": 0.75, "text": "Whoever needs zero has none."}
    assert result["tests"] == ["Run `make test`."]
    assert (result["v"], result["model"], result["profile"], result["summarised"]) == (1, NAME, "p", 0)
    assert events.of("text") and events.of("plan") == [{"units": 0, "skipped": []}]


def test_what_is_asked_with() -> None:
    player = Player()
    describe(player, payload(redacted=True) | {"instruction": "be short", "project": "We write British."})
    system, user = (message.text for message in player.asked[0].messages)
    assert "We write British." in system
    for part in (
        "be short",
        "- Count",
        "Because.",
        "its review found",
        "- 1 file",
        "+two = 2",
        "-one = 0",
        "Values of",
    ):
        assert part in user


def test_a_large_branch_is_summarised_file_by_file() -> None:
    lines = [b"word " * 20 + b"%d" % number for number in range(60)]
    diff = b"".join(patch(f"src/f{number}.py", lines) for number in range(30)) + patch("uv.lock", [b"x"])
    player = Player(lambda request: {"summary": " did it"} if request.program == digest.SUMMARY else ANSWER, parallel=4)
    result, events = describe(player, payload(diff, skipped=[{"path": "big.bin", "reason": "too large"}]))
    assert result["summarised"] == 30 and len(events.of("unit")) == digest.SUMMARISED and 1 < player.most <= 4
    last = player.asked[-1].messages[-1].text
    assert ": did it" in last and "uv.lock" in last and "big.bin" in last and "word word" not in last
    assert {request.messages[0] for request in player.asked} == {player.asked[0].messages[0]}  # evaluated once


def test_many_commits_are_shown_by_their_ends() -> None:
    player = Player()
    commits = [{"subject": f"Number {number}."} for number in range(100)]
    describe(player, payload() | {"commits": commits})
    text = player.asked[0].messages[-1].text
    assert text.count("- Number") == prompting.COMMITS_SHOWN and "Number 0." in text and "Number 99." in text


def test_another_model_and_an_engines_error() -> None:
    result, _ = describe(Player(), payload(model="other"))
    assert result["model"] == "other"
    with pytest.raises(EngineError):
        describe(Player(lambda _: EngineError("worker_lost", "gone", retry=True)), payload())


@pytest.mark.parametrize(
    "more",
    [
        {"v": 2}, {"diff": 1}, {"diff": "!"}, {"diff": ""}, {"commits": [1]}, {"commits": [{"subject": 1}]},
        {"facts": "x"}, {"facts": [1]}, {"instruction": None}, {"project": 3}, {"skipped": ["x"]}, {"model": 7},
        {"title": 1},
    ],
)  # fmt: skip
def test_bad_payloads(more: Json) -> None:
    with pytest.raises(BadInput):
        describe(Player(), {**payload(), **more})


@given(st.integers(0, 2**31))
def test_whatever_a_model_says_a_description_has_the_form(seed: int) -> None:
    result, _ = describe(Player(seed=seed), payload())
    texts = [result["title"], result["risk"]["text"], *result["summary"], *result["tests"]]
    assert all(text == " ".join(text.split()) and "\x1b" not in text for text in texts)
    assert len(result["title"]) <= shape.TITLE_ROOM and all(len(text) <= shape.POINT_MAX for text in texts)
    assert len(result["summary"]) <= shape.POINTS_MAX and result["risk"]["level"] in shape.LEVELS


def test_the_recipe_knows_the_prompts() -> None:
    assert PrJob(load()).recipe() == PrJob(load()).recipe()
    assert all(prompting.load(name).strip() for name in prompting.NAMES)
    assert max_tokens(shape.PROGRAM) < 1000
    assert PrJob(load()).warm({"project": "x"}) == prompting.beginning("x")
