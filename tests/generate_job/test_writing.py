"""A generation by an engine that plays its part: what it is asked, and what is made of its answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maw.config.load import load
from maw_remote.engine.interface import EngineError
from maw_remote.engine.program import Write, max_tokens
from maw_remote.jobs.generate import GenerateJob, prompting
from maw_remote.jobs.interface import BadInput, Json
from tests.generate.conftest import GOOD, LOST
from tests.review_job.changes import Events
from tests.review_job.player import NAME, Player

FILE = {"path": "src/app.py", "text": "def add(a, b):\n    return a - b\n", "editable": True, "focus": [[1, 2]]}


def payload(**more: Any) -> Json:
    return {"v": 1, "task": "code", "instruction": "make it add", "files": [FILE], **more}


def write(said: str | EngineError, asked: Json, **more: Any) -> tuple[Json, Player, Events]:
    events, player = Events(), Player(lambda _: said if isinstance(said, EngineError) else {"answer": said}, **more)
    job = GenerateJob(load())
    job.check(asked)
    result = asyncio.run(job.run(asked, model=NAME, profile="p", engine=player, emit=events.emit))
    return result, player, events


def prompt(player: Player) -> str:
    return player.asked[-1].messages[-1].text


def test_an_answer_comes_as_text_and_as_blocks() -> None:
    result, player, events = write(GOOD, payload())
    assert (result["answer"], result["cut"], result["mark"], result["profile"]) == (GOOD, False, 7, "p")
    assert result["blocks"][0]["path"] == "src/app.py"
    assert result["blocks"][0]["replace"] == ["def add(a, b):", "    return a + b"]
    assert result["shown"] == {"src/app.py": [[1, 2]]}
    assert events.of("plan")[0]["shown"] == result["shown"]
    assert "".join(event["text"] for event in events.of("text")) == GOOD
    request = player.asked[0]
    assert (request.shared, request.temperature, request.grammar_optional) == (1, 0.0, True)


@pytest.mark.parametrize("said", ["", "Sure, I can do that.", GOOD[:-30], GOOD.replace("FILE", "FILES")])
def test_what_is_no_edit_has_no_blocks(said: str) -> None:
    assert write(said, payload())[0]["blocks"] is None


def test_an_answer_at_its_bound_is_half_a_block() -> None:
    result, _, _ = write("word " * 500, payload(max_tokens=64))
    assert (result["cut"], result["blocks"]) == (True, None)


def test_an_answer_in_circles_is_ended_early() -> None:
    said = GOOD.partition("=======\n")[0] + "=======\n" + "    x = 1\n    y = 2\n" * 400
    result, _, _ = write(said, payload(max_tokens=8000), context=100_000)
    assert (result["cut"], result["blocks"]) == (True, None)


def test_one_sentence_again_and_again_is_ended_early() -> None:
    result, _, _ = write("So it is. " * 400, payload(task="explain", max_tokens=8000), context=100_000)
    assert result["cut"]


def test_what_is_asked_with() -> None:
    asked = payload(
        project="Use type hints.", map="other.py:\n  def mul(a, b)\n", redacted=True, create=["new.py", "tests/"],
        examples=[{"instruction": "an example", "diff": "+x = 1\n"}], seed=3,
        files=[FILE, {"path": "seen.py", "text": "SEEN = 1\n", "editable": False}],
        before=[{"answer": "", "refusals": [], "output": "E assert 3"},
                {"answer": LOST, "refusals": [{"message": "not found", "real": "real line"}]}],
    )  # fmt: skip
    _, player, _ = write(GOOD, asked)
    request = player.asked[0]
    assert "Use type hints." in request.messages[0].text
    for part in ("def mul(a, b)", "SEEN = 1", 'edit="no"', "an example", "Values of secrets", "E assert 3", "not found",
                 "real line", "new files below tests/", "new.py (new)", "make it add"):  # fmt: skip
        assert part in prompt(player)
    assert (request.seed, request.temperature > 0) == (3, True)


def test_prose_has_numbered_lines_and_no_format() -> None:
    result, player, _ = write("It adds (src/app.py:2).", payload(task="explain"))
    assert "2:     return a - b" in prompt(player)
    assert "<<<<<<<" not in prompt(player)
    assert (result["answer"], result["blocks"]) == ("It adds (src/app.py:2).", None)
    assert isinstance(player.asked[0].program[0], Write)
    assert player.asked[0].program[0].grammar is None


def test_it_fits_whatever_comes_along() -> None:
    """A token is a word here."""
    many = "".join(f"line {number}\n" for number in range(2000))
    asked = payload(
        files=[{**FILE, "path": "a.py", "text": many, "focus": [[1500, 1502]]}, {"path": "b.py", "text": many}],
        map=many, examples=[{"instruction": "x", "diff": many}], before=[{"answer": many, "output": many}],
    )  # fmt: skip
    for context in (700, 1200, 2500):
        result, player, _ = write(GOOD, asked, context=context)
        request = player.asked[0]
        words = sum(len(message.text.split()) for message in request.messages)
        assert words + max_tokens(request.program) <= context
        assert any(first <= 1500 <= last for first, last in result["shown"]["a.py"])


def test_no_room_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"raise runner\.context"):
        write(GOOD, payload(instruction="word " * 3000))


def test_another_model_can_be_named() -> None:
    result, _, _ = write(GOOD, payload(model="other"))
    assert result["model"] == "other"
    job = GenerateJob(load())
    assert job.fingerprint(payload(model="other")) != job.fingerprint(payload())
    assert job.fingerprint(payload(title="a")) == job.fingerprint(payload())


def test_an_engines_error_ends_it() -> None:
    with pytest.raises(EngineError):
        write(EngineError("worker_lost", "gone", retry=True), payload())


@pytest.mark.parametrize(
    "more",
    [
        {"v": 2}, {"task": "message"}, {"instruction": 1}, {"files": []}, {"files": {}}, {"files": ["a.py"]},
        {"files": [{**FILE, "text": None}]}, {"files": [{**FILE, "path": "a\nb"}]}, {"files": [{**FILE, "path": ""}]},
        {"files": [{**FILE, "editable": False}]}, {"files": [{**FILE, "focus": [[0, 1]]}]},
        {"files": [{**FILE, "focus": [1, 2]}]}, {"files": [FILE] * 101}, {"create": [1]}, {"create": ["a\nb"]},
        {"map": 1}, {"examples": [{"instruction": "x"}]}, {"before": [1]}, {"before": [{"refusals": [{}]}]},
        {"seed": -1}, {"max_tokens": 0}, {"max_tokens": True}, {"model": None}, {"project": 3},
    ],
)  # fmt: skip
def test_bad_payloads(more: Json) -> None:
    with pytest.raises(BadInput):
        write(GOOD, {**payload(), **more})


def test_the_recipe_knows_the_prompts() -> None:
    assert GenerateJob(load()).recipe() == GenerateJob(load()).recipe()
    for name in prompting.NAMES:
        assert prompting.load(name).strip()
    assert GenerateJob(load()).warm({"project": "x"})[0].text == prompting.beginning("code", "x")[0].text
