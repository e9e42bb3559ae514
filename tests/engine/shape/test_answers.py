"""Answers of servers: what is allowed is read as it was said, and nothing else ever is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maw_remote.engine.interface import Field, Text
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Write
from maw_remote.engine.shape import flow, json_answer, plain, schema
from maw_remote.engine.shape.reading import Parser, Reading, Source
from tests.engine.shape.programs import LETTERS, programs, walk

Parse = Callable[[Source, Program], Parser]

FINDING = (
    Pick("line", (Option("3\n", "3"), Option("14\n", "14"))),
    Say("Why: "),
    Write("why", 5, ("\n",)),
    Say("\n"),
)
REVIEW: Program = (
    Pick("finding", (Option("none\n", "no"), Option("Line: ", "yes", FINDING))),
)  # fmt: skip


def read(parse: Parse, program: Program, text: str, *, size: int = 10**9, cut: bool = False) -> Reading:
    """A reading that was fed in pieces; `fields` and `texts` are what came of it."""
    reading = Reading(program, parse)
    parts = []
    for at in range(0, len(text), size):
        parts += reading.feed(text[at : at + size])
    parts += reading.close(cut=cut)
    reading.fields = [part for part in parts if isinstance(part, Field)]  # type: ignore[attr-defined]
    reading.texts = [part for part in parts if isinstance(part, Text)]  # type: ignore[attr-defined]
    return reading


def fields(parse: Parse, program: Program, text: str, **more: bool) -> list[tuple[str, str]]:
    return [(field.name, field.value) for field in read(parse, program, text, **more).fields]  # type: ignore[attr-defined, arg-type]


def as_json(parse: Parse) -> bool:
    return parse is json_answer.parse


@pytest.mark.parametrize("parse", [plain.parse, json_answer.parse])
@given(program=programs(), seed=st.integers(0, 2**32), size=st.integers(1, 40))
def test_what_was_said_is_read_whatever_the_pieces(parse: Parse, program: Program, seed: int, size: int) -> None:
    answer = walk(program, seed)
    reading = read(parse, program, answer.json if as_json(parse) else answer.plain, size=size)
    assert reading.problem is None and reading.done
    assert reading.fields == answer.fields  # type: ignore[attr-defined]


@given(program=programs(), seed=st.integers(0, 2**32), size=st.integers(1, 9))
def test_texts_that_streamed_are_the_fields(program: Program, seed: int, size: int) -> None:
    streamed = "".join(text.text for text in read(plain.parse, program, walk(program, seed).plain, size=size).texts)  # type: ignore[attr-defined]
    assert streamed == "".join(_written(program, walk(program, seed).fields))


def _written(program: Program, found: list[Field]) -> list[str]:
    """The values of Writes among the fields of an answer."""
    left, rest = [], program
    values = iter(found)
    while rest:
        step, rest = rest[0], rest[1:]
        if isinstance(step, Say):
            continue
        field = next(values)
        if isinstance(step, Pick):
            rest = (*next(one.then for one in step.options if one.value == field.value), *rest)
        elif isinstance(step, Write):
            left.append(field.value)
    return left


@pytest.mark.parametrize("parse", [plain.parse, json_answer.parse])
@given(program=programs(), seed=st.integers(0, 2**32), at=st.floats(0, 1), cut=st.booleans())
def test_of_a_cut_answer_what_is_whole_counts(parse: Parse, program: Program, seed: int, at: float, cut: bool) -> None:
    answer = walk(program, seed)
    text = answer.json if as_json(parse) else answer.plain
    reading = read(parse, program, text[: int(at * len(text))], cut=cut)
    found = list(zip(reading.fields, answer.fields, strict=False))  # type: ignore[attr-defined]
    if not cut and reading.problem is None and found:
        # Nothing told that the answer was cut, and a text may end anywhere.
        last, whole = found.pop()
        assert last.name == whole.name and whole.value.startswith(last.value)
    for field, whole in found:
        assert whole.value.startswith(field.value) if field.cut else field == whole
    assert reading.done or reading.problem is not None
    if reading.problem is None and not cut:
        assert len(reading.fields) == len(answer.fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("parse", [plain.parse, json_answer.parse])
@given(program=programs(), seed=st.integers(0, 2**32), change=st.integers(0, 2**32), size=st.integers(1, 40))
def test_a_damaged_answer_never_yields_what_the_program_does_not_allow(
    parse: Parse, program: Program, seed: int, change: int, size: int
) -> None:
    answer = walk(program, seed)
    text = damaged(answer.json if as_json(parse) else answer.plain, random.Random(change))
    reading = read(parse, program, text, size=size, cut=change % 2 == 0)
    assert admissible(program, reading.fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("parse", [plain.parse, json_answer.parse])
@given(program=programs(), text=st.text(), cut=st.booleans())
@example(program=REVIEW, text="{" * 5000, cut=False)
@example(program=REVIEW, text=" " * 100_000, cut=True)
@example(program=REVIEW, text='{"finding": "\\ud800', cut=True)
def test_garbage_is_told_and_never_taken(parse: Parse, program: Program, text: str, cut: bool) -> None:
    reading = read(parse, program, text, cut=cut)
    assert admissible(program, reading.fields)  # type: ignore[attr-defined]
    assert reading.done or reading.problem


def damaged(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        at, to = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        text = rng.choice([
            text[:at] + text[to:], text[:to] + text[at:], text[:at] + rng.choice(LETTERS) + text[at:],
            text[:at] + rng.choice(LETTERS) + text[at + 1 :],
        ])  # fmt: skip
    return text


def admissible(program: Program, found: list[Field]) -> bool:
    """Whether these are the first fields that some run of the program would give."""
    rest = program
    for field in found:
        while rest and isinstance(rest[0], Say):
            rest = rest[1:]
        if not rest or rest[0].name != field.name:  # type: ignore[union-attr]
            return False
        step, rest = rest[0], rest[1:]
        if isinstance(step, Pick):
            taken = [one for one in step.options if one.value == field.value]
            if not taken:
                return False
            rest = (*taken[0].then, *rest)
        elif isinstance(step, Score):
            if field.value != step.text:
                return False
        elif len(field.value) > flow.limit(step) or any(stop in field.value for stop in step.stop):  # type: ignore[union-attr]
            return False
    return True


def test_a_line_that_is_no_option_is_refused() -> None:
    reading = read(plain.parse, REVIEW, "Line: 7\nWhy: it fails\n")
    assert [field.value for field in reading.fields] == ["yes"]  # type: ignore[attr-defined]
    assert reading.problem == "the answer has something else than an option of 'line', after 6 characters"


def test_more_findings_than_were_asked_for_are_told_and_left_out() -> None:
    one = "Line: 3\nWhy: it fails\n"
    reading = read(plain.parse, REVIEW, one + one)
    assert len(reading.fields) == 3  # type: ignore[attr-defined]
    assert reading.done and reading.problem == f"the answer goes on after its end, after {len(one)} characters"


def test_the_line_of_an_earlier_finding_cannot_be_named_again() -> None:
    again = Pick("other", FINDING[0].options, unlike=("line",))  # type: ignore[union-attr]
    program: Program = (FINDING[0], again)
    assert fields(plain.parse, program, "3\n14\n") == [("line", "3"), ("other", "14")]
    assert fields(plain.parse, program, "3\n3\n") == [("line", "3")]
    assert fields(json_answer.parse, program, '{"line": "3", "other": "3"}') == [("line", "3")]


def test_a_text_that_is_too_long_is_cut_and_the_answer_goes_on() -> None:
    reading = read(plain.parse, REVIEW, "Line: 3\nWhy: " + "x" * 99 + "\n")
    assert reading.fields[-1] == Field("why", "x" * 20, cut=True)  # type: ignore[attr-defined]
    assert reading.problem is None


def test_what_models_leave_away_at_the_ends_is_no_matter() -> None:
    assert fields(plain.parse, REVIEW, "none") == [("finding", "no")]
    assert fields(plain.parse, (Say("A: "), Write("a", 9)), "\n A: b") == [("a", "b")]
    assert fields(json_answer.parse, REVIEW, ' {\n "finding" : {"finding":"no"} }\n') == [("finding", "no")]


def test_the_rest_of_a_last_text_counts_as_cut() -> None:
    program: Program = (Write("code", 100, ("```",)),)
    assert read(plain.parse, program, "a = 1\n``", cut=True).fields == [Field("code", "a = 1\n``", cut=True)]  # type: ignore[attr-defined]
    for half in ("\\", "\\u00", "\\ud83d", "\\ud83d\\ude"):  # of an escape, of a character that is two of them
        reading = read(json_answer.parse, program, f'{{"code": "a = {half}', cut=True)
        assert reading.fields == [Field("code", "a = ", cut=True)]  # type: ignore[attr-defined]


@given(program=programs(), seed=st.integers(0, 2**32))
def test_the_schema_describes_the_answers(program: Program, seed: int) -> None:
    jsonschema.validate(json.loads(walk(program, seed).json), schema.build(program))
