"""Messages by an engine that plays its part: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw.config.load import load
from maw.messages import profile, subject
from maw.messages.profile import Profile
from maw_remote.engine.interface import EngineError, Request
from maw_remote.engine.program import Option, Pick, Program, Write, max_tokens
from maw_remote.jobs import digest
from maw_remote.jobs.interface import BadInput, Json
from maw_remote.jobs.message import MessageJob, prompting, shape
from maw_remote.jobs.message.payload import parse
from tests.messages import repositories
from tests.review_job.changes import Events, patch
from tests.review_job.changes import payload as base_payload
from tests.review_job.player import NAME, Player

HABITS = {
    "conventional": profile.make(repositories.CONVENTIONAL),
    "tickets": profile.make(repositories.TICKETS),
    "plain": profile.make(repositories.PLAIN),
    "areas": profile.make(["mm: fix a leak", "net: drop packets", "[x] y", "mm: add a cache"] * 3),
    "none": Profile(),
}
SMALL = patch("src/a.py", [b"one = 1", b"two = 2"], removed=[b"one = 0"])


def payload(habits: Profile = HABITS["conventional"], diff: bytes = SMALL, **more: Any) -> Json:
    return base_payload(diff, profile=profile.to_json(habits), **more)


def write(engine: Player, asked: Json) -> tuple[Json, Events]:
    events = Events()
    job = MessageJob(load())
    job.check(asked)
    return asyncio.run(job.run(asked, model=NAME, profile="p", engine=engine, emit=events.emit)), events


def said(answer: Mapping[str, str], habits: Profile = HABITS["conventional"], **more: Any) -> str:
    result, _ = write(Player(lambda _: answer), payload(habits, **more))
    return result["messages"][0] if result["messages"] else ""


def test_a_conventional_message() -> None:
    assert said({"type": "fix(", "scope": "core", "verb": "avoid", "text": " a race", "has_body": "no"}) == (
        "fix(core): avoid a race\n"
    )
    assert said({"type": "docs", "verb": "add", "text": " a page.", "has_body": "no"}) == "docs: add a page\n"


def test_tickets_come_from_the_branch_never_from_the_model() -> None:
    habits = HABITS["tickets"]
    answer = {"verb": "Add", "text": " SHOP-9 a page (PAY-1) for #4 orders", "has_body": "no"}
    assert said(answer, habits, ticket="SHOP-12") == "SHOP-12: Add a page for orders\n"
    assert said(answer, habits) == "Add a page for orders\n"


def test_the_habits_of_plain_sentences() -> None:
    assert said({"verb": "Added", "text": " a page"}, HABITS["plain"]) == "Added a page.\n"


@pytest.mark.parametrize(
    ("text", "subject_"),
    [
        (' "a client for the queue"', "feat: add a client for the queue"),
        (" `a client`", "feat: add a client"),
        (" a client\nfeat: and another", "feat: add a client"),
        (" a \x1b[31mred\x07 client", "feat: add a [31mred client"),
        (" a client for " + "very " * 30 + "long queues", "feat: add a client for very very very very"),
        (" a client that is written for the tests of a", "feat: add a client that is written\n"),
    ],
)  # fmt: skip
def test_subjects_are_tidied(text: str, subject_: str) -> None:
    found = said({"type": "feat", "verb": "add", "text": text, "has_body": "no"})
    assert found.startswith(subject_)
    assert found.count("\n") == 1


def test_a_body_is_wrapped_and_cleaned() -> None:
    body = (
        "```\nIt was slow: " + "word " * 20 + "\n\n- see https://example.com/" + "x" * 80 + " for more\n"
        "Signed-off-by: Bob <b@x>\nFixes: ABC-1\n```"
    )
    text = said({"verb": "Add", "text": " it", "has_body": "yes", "body": body}, HABITS["tickets"])
    lines = text.splitlines()
    assert lines[:3] == ["Add it", "", "It was slow: word word word word word word word word word word word word"]
    assert [line.strip() for line in lines if len(line) > 72] == ["https://example.com/" + "x" * 80]
    assert "Signed-off-by" not in text
    assert "```" not in text
    assert "ABC-1" not in text


def test_a_text_of_no_use_is_no_message() -> None:
    assert said({"type": "feat", "verb": "add", "text": " ", "has_body": "no"}) == ""


def test_several_differ_and_the_first_is_the_likeliest() -> None:
    def answer(request: Request) -> Mapping[str, str]:
        return {"type": "fix", "verb": "add", "text": f" number {min(request.seed, 2)}", "has_body": "no"}

    player = Player(answer)
    result, _ = write(player, payload(count=4))
    assert result["messages"] == [f"fix: add number {seed}\n" for seed in range(3)]
    assert [request.temperature > 0 for request in player.asked] == [False, True, True, True]


def test_a_large_change_is_summarised_file_by_file_into_one_message() -> None:
    def answer(request: Request) -> Mapping[str, str]:
        if request.program == digest.SUMMARY:
            path = request.messages[-1].text.split("src/", 1)[1].split(".", 1)[0]
            return {"summary": f" did {path}"}
        return {"type": "feat", "verb": "add", "text": " all of it", "has_body": "no"}

    lines = [b"word " * 20 + b"%d" % number for number in range(60)]
    diff = b"".join(patch(f"src/f{number}.py", lines) for number in range(30)) + patch("uv.lock", [b"x"])
    player = Player(answer, parallel=4)
    result, events = write(player, payload(diff=diff, skipped=[{"path": "big.bin", "reason": "too large"}]))
    assert result["messages"] == ["feat: add all of it\n"]
    assert result["summarised"] == 30
    last = player.asked[-1].messages[-1].text
    assert "- src/f7.py (modified, +60 -0): did f7" in last or "- src/f7.py (added, +60 -0): did f7" in last
    assert "uv.lock" in last
    assert "big.bin" in last
    assert 1 < player.most <= 4
    assert len(events.of("unit")) == 24
    assert {request.messages[0] for request in player.asked} == {player.asked[0].messages[0]}  # evaluated once


def test_what_is_asked_with() -> None:
    player = Player(lambda _: {"text": "x"})
    more = {"draft": "mine", "redacted": True, "instruction": "name the report", "model": "another"}
    result, _ = write(player, payload(examples=["fix(core): a\n\nbody"], branch="topic", **more))
    text = player.asked[0].messages[-1].text
    assert result["model"] == "another"
    for part in (
        "fix(core): a",
        "Branch: topic",
        "mine",
        "asks for: name the report",
        "Values of secrets",
        "+two = 2",
        "-one = 0",
        "src/a.py",
    ):
        assert part in text


def test_an_engines_error_ends_it() -> None:
    with pytest.raises(EngineError):
        write(Player(lambda _: EngineError("worker_lost", "gone", retry=True)), payload())


def test_what_one_of_several_fails_with_ends_the_others() -> None:
    answer = {"type": "fix", "verb": "add", "text": " it", "has_body": "no"}
    player = Player(lambda asked: answer if asked.seed else EngineError("server_failed", "500"), parallel=4)

    async def left_over() -> int:
        job = MessageJob(load())
        with pytest.raises(EngineError, match="500"):
            await job.run(payload(count=4), model=NAME, profile="p", engine=player, emit=Events().emit)
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(left_over()) == 0


@pytest.mark.parametrize(
    "more",
    [
        {"v": 2}, {"diff": 1}, {"diff": "!"}, {"profile": []}, {"examples": [1]}, {"ticket": "a\nb"}, {"count": 0},
        {"count": 99}, {"skipped": ["x"]}, {"branch": None}, {"diff": ""}, {"instruction": 1},
        {"model": []},
    ],
)  # fmt: skip
def test_bad_payloads(more: Json) -> None:
    with pytest.raises(BadInput):
        write(Player(), {**payload(), **more})


@pytest.mark.parametrize("habits", HABITS.values(), ids=HABITS)
def test_programs_are_ones_that_engines_run(habits: Profile) -> None:
    for ticket in ("", "ABC-1"):
        program = shape.build(habits, ticket)
        assert max_tokens(program) < 3000
        for options in _picks(program):
            texts = [option.text for option in options]
            assert len(texts) == len(set(texts)) > 0
            assert not [a for a in texts for b in texts if a != b and b.startswith(a)]


def _picks(program: Program) -> list[tuple[Option, ...]]:
    found: list[tuple[Option, ...]] = []
    for step in program:
        if isinstance(step, Pick):
            found.append(step.options)
            for option in step.options:
                found += _picks(option.then)
    return found


@given(st.integers(0, 2**31), st.sampled_from(sorted(HABITS)), st.sampled_from(["", "SHOP-12"]))
def test_whatever_a_model_says_a_message_has_the_form(seed: int, name: str, ticket: str) -> None:
    habits = HABITS[name]
    result, _ = write(Player(seed=seed), payload(habits, ticket=ticket))
    for message in result["messages"]:
        line, _, rest = message.partition("\n")
        assert line == line.strip() != ""
        assert len(line) <= 110
        assert message.isprintable() or "\x1b" not in message
        assert rest == "" or rest.startswith("\n")
        assert set(subject.tickets(message)) <= {ticket} - {""}
        if name == "conventional":
            assert subject.read(line).type in habits.types
            assert subject.read(line).scope in ("", *habits.scopes)
        if name == "tickets" and ticket:
            assert line.startswith("SHOP-12: ")
        if name == "areas":
            assert line.startswith(tuple(f"{area}: " for area in habits.areas))


def test_the_recipe_knows_the_prompts() -> None:
    assert MessageJob(load()).recipe() == MessageJob(load()).recipe()
    for name in prompting.NAMES:
        assert prompting.load(name).strip()
    assert parse(payload()).wanted == 1
    assert isinstance(digest.SUMMARY[0], Write)
