"""Programs on real models: well-formed answers from SmolLM2, and Gemma, whose memory cannot be rolled back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from maw_remote.engine.interface import Message
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from tests.engine.inside import Inside, fields, usage, written
from tests.engine.test_programs import HOSTILE, review
from tests.fixtures.gemma import gemma_file
from tests.fixtures.model import EmbeddedModel

pytestmark = [pytest.mark.model, pytest.mark.slow]
SYSTEM = Message("system", "You review changes of code. Name the added line that is wrong.\n" * 12)
CHOICE: Program = (
    Say("- Scenario:"), Write("scenario", 12, ("\n\n", ".")), Say("\nLine:"),
    Pick("line", tuple(Option(f" {line}\n", str(line)) for line in range(1, 8))),
)  # fmt: skip


def unit(at: int) -> list[Message]:
    lines = "\n".join(f"{line}| total_{at} = {line} / count" for line in range(1, 8))
    return [SYSTEM, Message("user", f"File a{at}.py, added lines:\n{lines}")]


@pytest.mark.timeout(1200)
def test_two_hundred_answers_of_smollm2_are_well_formed(embedded_model_file: EmbeddedModel) -> None:
    inside = Inside(embedded_model_file.path, context=2048)
    choose = random.Random(4)
    asked = {}
    for at in range(200):
        text = "".join(choose.choices(HOSTILE, k=4)) + f"1| x = {at}"
        temperature = choose.choice([0.0, 0.3, 0.7, 1.0, 2.0])
        program = review(12)
        number = inside.ask(program, [SYSTEM, Message("user", text)], shared=1, temperature=temperature, seed=at)
        asked[number] = program
    inside.work()
    for number, program in asked.items():
        frames = inside.frames[number]
        assert usage(frames)["cached_tokens"] > 100 or number == 1
        assert written(program, frames).endswith("\nbye\n")


@pytest.fixture(scope="module")
def gemma(real_home: str) -> Path:
    directory = Path(real_home, ".cache", "maw-tests", "models")
    directory.mkdir(parents=True, exist_ok=True)
    found = gemma_file(directory)
    if found is None:
        pytest.skip("Gemma cannot be had")
    return found


@pytest.mark.timeout(600)
def test_gemma_shares_a_prefix_longer_than_its_window_by_forks_at_its_end(gemma: Path) -> None:
    inside = Inside(gemma, context=2048, cells=4096)
    assert not inside.service.ready()["rollback"]
    assert inside.service._decoder.window
    long = Message("system", SYSTEM.text * 4)
    chats = [[long, unit(at)[1]] for at in range(4)]
    shared = inside.service._chat.tokens(chats[0], 1).shared
    assert shared > inside.service._decoder.window
    numbers = [inside.ask(CHOICE, chat, shared=1) for chat in chats]
    inside.work()
    assert [usage(inside.frames[number])["cached_tokens"] >= shared for number in numbers] == [False, True, True, True]
    alone = Inside(gemma, context=2048, cells=4096, sequences=1)
    for chat, number in zip(chats[:2], numbers, strict=False):
        found, one = fields(inside.frames[number]), fields(alone.answer(CHOICE, chat))
        if found["scenario"]["value"] == one["scenario"]["value"]:  # batching changes rounding
            assert found["line"]["probability"] == pytest.approx(one["line"]["probability"], abs=0.05)
    assert usage(inside.answer(CHOICE, chats[3], shared=1))["cached_tokens"] >= shared
