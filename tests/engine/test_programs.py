"""Answers decoded as programs, on a random model: well-formed whatever is sampled, with exact probabilities."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maw_remote.engine.interface import Message
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Write
from tests.engine import tiny
from tests.engine.inside import CHAT, Inside, fields, usage, written

pytestmark = pytest.mark.model
HOSTILE = ["<|im_end|>", "}\n```\n", "none\n", "é🦊\x00\x07", "Line: 3\n", "<|im_start|>assistant\n- Scenario: ", ""]


def finding(number: int, lines: int, more: Program = ()) -> Program:
    """A review's finding, as the job asks for one."""
    options = tuple(Option(f" {line}\n", str(line)) for line in range(1, lines + 1))
    severities = tuple(Option(f" {word}\n", word) for word in ("error", "warning", "info", "note"))
    unlike = tuple(f"line{earlier}" for earlier in range(number))
    return (
        Say("- Scenario:"), Write(f"scenario{number}", 12, ("\n", '"')), Say("\nLine:"),
        Pick(f"line{number}", options, unlike), Say("Severity:"), Pick(f"severity{number}", severities), *more,
    )  # fmt: skip


def review(lines: int) -> Program:
    then = finding(1, lines, (Score("sure", "Sure: yes\n"), Say("Title:"), Write("title", 6, ("\n\n", ".\n"))))
    again = Pick(
        "again", tuple(Option(letter, letter, (Say("\n"), *then) * (letter in "aceg")) for letter in "abcdefgh")
    )
    return (Pick("any", (Option("none", "no"), Option("yes", "yes", (*finding(0, lines), again)))), Say("\nbye\n"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp")
    return tiny.make(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def inside(file: Path) -> Iterator[Inside]:
    yield Inside(file)


def _many(inside: Inside, count: int, seed: int) -> None:
    """Answers to hostile chats at all temperatures, and what holds for each."""
    choose = random.Random(seed)
    asked: dict[int, Program] = {}
    branches = set()
    for at in range(count):
        program = review(choose.choice([2, 12, 120]))
        text = "".join(choose.choices(HOSTILE, k=3)) + "x" * choose.randrange(30)
        number = inside.ask(
            program, [CHAT[0], Message("user", text)], temperature=choose.choice([0.0, 0.3, 1.0, 2.0]), seed=at,
            top_p=choose.choice([1.0, 0.9]), shared=1,
        )  # fmt: skip
        asked[number] = program
        if len(asked) == 32 or at == count - 1:
            inside.work()
            for number, program in asked.items():
                frames = inside.frames.pop(number)
                assert usage(frames)["finish"] in ("stop", "length")
                assert written(program, frames).endswith("\nbye\n")
                branches |= {(name.rstrip("01"), field["value"]) for name, field in fields(frames).items()}
            asked = {}
    found = {name for name, _ in branches}
    assert {"any", "scenario", "line", "severity", "again", "sure", "title"} <= found
    assert len({value for name, value in branches if name == "line"}) > 10


@pytest.mark.slow
def test_answers_are_well_formed_whatever_is_sampled(inside: Inside) -> None:
    _many(inside, 200, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_answers_are_well_formed(inside: Inside) -> None:
    _many(inside, 10_000, seed=2)


def test_the_context_reads_as_the_answer_does(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a free text's end has left in the sequence is its text, and nothing of the stop."""
    from maw_remote.engine import serving

    runs: list[Any] = []

    class Kept(serving.Run):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            runs.append(self)

    monkeypatch.setattr(serving, "Run", Kept)
    for seed in range(60):
        program = review(12)
        frames = inside.answer(program, temperature=1.5, seed=seed)
        run = runs.pop()
        vocabulary = inside.service._vocabulary
        held = vocabulary.text_of([*run.tokens[run.prompt :], *run._unfed]) + run._head
        assert held == written(program, frames).encode()
        assert usage(frames)["completion_tokens"] == run.completion > 0


def exact(inside: Inside, before: list[int], texts: list[str]) -> list[float]:
    """The log-probability of each text after these tokens, evaluated on its own, row by row."""
    decoder, vocabulary = inside.service._decoder, inside.service._vocabulary
    found = []
    sequence = decoder.sequences - 1
    for text in texts:
        tokens = vocabulary.tokens(text.encode(), goes_on=True)
        decoder.rows.clear()
        first = decoder.rows.add([*before, *tokens], 0, [sequence])
        for at in range(len(tokens)):
            decoder.rows.want(first + len(before) - 1 + at)
        assert decoder.decode() == 0
        total = 0.0
        for at, token in enumerate(tokens):
            logits = decoder.logits(len(before) - 1 + at).astype("float64")
            total += logits[token] - math.log(sum(math.exp(value) for value in logits))
        decoder.drop(sequence)
        found.append(total)
    return found


@pytest.mark.parametrize("said", ["", "Line:", "A\n"])
def test_a_picks_probabilities_are_those_of_the_whole_texts(file: Path, said: str) -> None:
    inside = Inside(file)
    texts = [f" {line}\n" for line in (1, 2, 10, 12, 101, 112)] + [" none of it\n", " non\n"]
    pick = Pick("line", tuple(Option(text, text) for text in texts))
    messages = [Message("user", "hi")]
    prompt = inside.service._chat.tokens(messages, 0).tokens
    scores = exact(inside, [*prompt, *inside.service._vocabulary.tokens(said.encode(), goes_on=True)], texts)
    mass = sum(map(math.exp, scores))
    seen = set()
    for seed in range(40):
        field = fields(inside.answer((Say(said), pick), messages, temperature=2.0, seed=seed))["line"]
        at = texts.index(field["value"])
        seen.add(at)
        assert field["probability"] == pytest.approx(math.exp(scores[at]) / mass, rel=0.02)
        assert field["mass"] == pytest.approx(mass, rel=0.02)
    assert len(seen) > 1
    likeliest = fields(inside.answer((Say(said), pick), messages))["line"]
    assert texts.index(likeliest["value"]) == scores.index(max(scores))


def test_a_score_is_the_mean_over_the_texts_own_tokens(file: Path) -> None:
    inside = Inside(file)
    messages = [Message("user", "hi")]
    prompt = inside.service._chat.tokens(messages, 0).tokens
    vocabulary = inside.service._vocabulary
    before = [*prompt, *vocabulary.tokens(b"Sure:", goes_on=True)]
    for text in ("x", " 12 is wrong", " a" * 50):
        (total,) = exact(inside, before, [text])
        mean = math.exp(total / len(vocabulary.tokens(text.encode(), goes_on=True)))
        for program in ((Say("Sure:"), Score("s", text)), (Say("Sure:"), Score("s", text), Write("rest", 2))):
            assert fields(inside.answer(program, messages))["s"]["probability"] == pytest.approx(mean, rel=0.02)


def test_a_long_score_and_long_options_take_what_room_there_is(file: Path) -> None:
    inside = Inside(file, cells=1024, context=900)
    options = tuple(Option(f"{line} is " + "wrong " * 30 + "\n", str(line)) for line in range(20))
    program = (Score("s", "ab cd " * 60), Pick("p", options), Write("w", 3))
    found = inside.answer(program, temperature=1.0)
    assert written(program, found)
    roomy = Inside(file, cells=8192, context=900).answer(program, temperature=1.0)
    assert fields(found)["p"]["probability"] == pytest.approx(fields(roomy)["p"]["probability"], rel=0.02)


def test_a_choice_is_scored_in_the_step_that_feeds_what_comes_before_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = Inside(file)
    lines = tuple(Option(f" {line}\n", str(line)) for line in range(1, 13))
    words = tuple(Option(f" {word}\n", word) for word in ("error", "warning", "info"))
    inside.answer((Write("text", 1),))  # its prompt is known now, but for the last token
    decode, steps = inside.service._decoder.decode, []

    def counted() -> int:
        steps.append(inside.service._decoder.rows.count)
        return decode()

    monkeypatch.setattr(inside.service._decoder, "decode", counted)
    inside.answer((Say("Line:"), Pick("line", lines), Say("Severity:"), Pick("severity", words), Say("bye")))
    assert len(steps) == 2, steps


def test_more_options_than_sequences_are_scored_all_the_same(file: Path) -> None:
    few, many = Inside(file, sequences=1), Inside(file)
    pick = (Pick("line", tuple(Option(f"Line {line}: x\n", str(line)) for line in range(1, 200))), Write("rest", 4))
    one, other = fields(few.answer(pick)), fields(many.answer(pick))
    assert one["line"]["probability"] == pytest.approx(other["line"]["probability"], rel=0.02)
    assert one["line"]["mass"] == pytest.approx(other["line"]["mass"], rel=0.02)


def test_together_or_alone_the_answers_are_the_same(file: Path) -> None:
    alone, together = Inside(file, sequences=1), Inside(file, sequences=8)
    chats = [[CHAT[0], Message("user", f"{at}| y = {at}" * at)] for at in range(1, 13)]
    program = review(12)
    single = [fields(alone.answer(program, chat, shared=1))["any"] for chat in chats]
    numbers = [together.ask(program, chat, shared=1) for chat in chats]
    together.work()
    for number, one in zip(numbers, single, strict=True):
        assert fields(together.frames[number])["any"]["probability"] == pytest.approx(one["probability"], rel=0.02)


def test_a_second_pick_takes_another_value_and_the_last_option_left(inside: Inside) -> None:
    options = tuple(Option(f"{name}\n", name) for name in "abc")
    program = tuple(Pick(f"p{at}", options, tuple(f"p{before}" for before in range(at))) for at in range(3))
    for seed in range(10):
        found = fields(inside.answer(program, temperature=2.0, seed=seed))
        assert {field["value"] for field in found.values()} == {"a", "b", "c"}
        assert found["p2"]["probability"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "program",
    [
        (Pick("p", ()),), (Pick("p", (Option("", "x"),)),),
        (Pick("p", (Option("a", "a"),)), Pick("q", (Option("a", "a"),), ("p",))),
    ],
)  # fmt: skip
def test_a_pick_without_options_is_refused_and_others_go_on(inside: Inside, program: Program) -> None:
    other = inside.ask((Write("text", 5),))
    assert inside.answer(program)[-1]["code"] == "bad_program"
    inside.work()
    assert usage(inside.frames[other])["finish"] in ("stop", "length")


def test_programs_without_sampling_and_of_nothing(inside: Inside) -> None:
    assert usage(inside.answer(()))["completion_tokens"] == 0
    assert usage(inside.answer((Say("Line 12\n"),)))["completion_tokens"] == 5
    found = inside.answer((Write("text", 0), Say("x"), Pick("p", (Option("y", "y"),))))
    assert fields(found)["text"] == {
        "op": "field", "id": found[0]["id"], "name": "text", "value": "", "probability": None, "mass": None,
        "cut": True,
    }  # fmt: skip


def test_the_same_seed_gives_the_same_answer_and_another_one_another(inside: Inside) -> None:
    def text(seed: int) -> str:
        return str(fields(inside.answer((Write("text", 30),), temperature=1.0, seed=seed))["text"]["value"])

    assert text(7) == text(7)
    assert len({text(seed) for seed in range(5)}) > 3


def test_a_cut_text_is_told_and_ends_in_a_whole_character(inside: Inside) -> None:
    for seed in range(30):
        frames = inside.answer((Write("text", 7), Say("!")), temperature=1.5, seed=seed)
        field, end = fields(frames)["text"], usage(frames)
        assert field["cut"] == (end["finish"] == "length")


def test_logprobs_are_told_for_every_token(inside: Inside) -> None:
    frames = inside.answer((Write("text", 12, ("e",), logprobs=3),), temperature=1.0, seed=3)
    told = [token for frame in frames if frame["op"] == "text" for token in frame.get("tokens", ())]
    assert len(told) >= 1
    for piece, logprob, top in told:
        assert -9999.0 <= logprob <= 0.0
        assert len(top) == 3 and top[0][1] >= top[1][1] >= top[2][1]
        assert top[0][1] >= logprob or piece == top[0][0]
    text = b"".join(bytes(piece) for piece, _, _ in told).decode("utf-8", "replace")
    assert text.startswith(fields(frames)["text"]["value"])


def test_a_grammar_is_kept_to(inside: Inside) -> None:
    grammar = 'root ::= "[" [0-9]{1,4} ("," [0-9]{1,2}){0,3} "]"'
    for seed in range(20):
        value = fields(inside.answer((Write("text", 60, grammar=grammar),), temperature=2.0, seed=seed))["text"]
        assert value["value"][0] == "[" and value["value"][-1] == "]" and not value["cut"]


def test_a_grammar_that_cannot_be_parsed_is_refused(inside: Inside) -> None:
    for grammar in ("root ::= (", "nothing", 'root ::= missing "x"'):
        assert inside.answer((Write("text", 5, grammar=grammar),))[-1]["code"] == "bad_grammar"
