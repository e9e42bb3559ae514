"""The shape of an answer, whatever the unit: played at random, each answer can be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from maw.finding import SEVERITIES
from maw_remote.engine.interface import Field, Request, Usage
from maw_remote.engine.program import Option, Pick, Program, Say, Write, max_tokens
from maw_remote.engine.shape import json_answer, plain, schema
from maw_remote.engine.shape.reading import Reading
from maw_remote.jobs.review import answer, prompting, shape, units, verification
from maw_remote.jobs.review.shape import Limits
from tests.review_job.changes import one_file, words
from tests.review_job.nasty import NASTY, unit_of
from tests.review_job.player import Player

LIMITS = Limits()


def program_of(unit: units.Unit, limits: Limits = LIMITS) -> Program:
    return shape.build((line.new or 0 for line in unit.judged()), limits)


async def played(player: Player, program: Program) -> dict[str, Field]:
    parts = [part async for part in player.run("m", Request([], program))]
    assert isinstance(parts[-1], Usage)
    return {part.name: part for part in parts if isinstance(part, Field)}


@pytest.mark.parametrize("name", NASTY)
def test_every_answer_about_nasty_lines_is_well_formed(name: str) -> None:
    unit = unit_of(NASTY[name])
    program = program_of(unit)
    most = min(len(unit.judged()), LIMITS.findings)
    seen = set()

    async def play() -> None:
        for seed in range(150):
            found = answer.read(await played(Player(seed=seed), program), unit, LIMITS).findings
            assert len({finding.line for finding in found}) == len(found) <= most
            assert all(finding.scenario == finding.scenario.strip() for finding in found)
            seen.add(len(found))

    asyncio.run(play())
    assert seen == set(range(most + 1))


def test_a_server_that_can_only_be_asked_writes_the_same() -> None:
    """What a worker plays, written as plain text and as JSON, is read back as the same findings."""
    unit = unit_of(NASTY["quotes"])
    program = program_of(unit, Limits(3, 300, 300, 300, 300))  # longer than any text here

    async def play() -> None:
        for seed in range(40):
            fields = await played(Player(seed=seed), program)
            fields = {name: said._replace(probability=None, mass=None, cut=False) for name, said in fields.items()}
            expected = answer.read(fields, unit, LIMITS)
            for text, parse in ((written(program, fields), plain.parse), (as_json(program, fields), json_answer.parse)):
                reading = Reading(program, parse)
                parts = [*reading.feed(text), *reading.close()]
                assert reading.problem is None, text
                came = {part.name: part._replace(cut=False) for part in parts if isinstance(part, Field)}
                assert answer.read(came, unit, LIMITS) == expected

    asyncio.run(play())


def written(program: Program, fields: dict[str, Field]) -> str:
    """The answer as a worker's context has it."""
    text = ""
    for step in program:
        if isinstance(step, Say):
            text += step.text
        elif isinstance(step, Write):
            text += fields[step.name].value
        elif isinstance(step, Pick):
            option = next(option for option in step.options if option.value == fields[step.name].value)
            text += option.text + written(option.then, fields)
    return text


def as_json(program: Program, fields: dict[str, Field]) -> str:
    """The answer as a server that was given its JSON schema writes it."""

    def members(steps: Program) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, step in schema.members(steps):
            value = fields[step.name].value
            found[key] = value
            if isinstance(step, Pick) and schema.leads_on(step):
                then = next(option.then for option in step.options if option.value == value)
                found[key] = {schema.own(key, then): value, **members(then)}
        return found

    return json.dumps(members(program))


def test_a_unit_of_one_line_can_be_found_fault_with_once() -> None:
    always = Player(lambda _: {f"{number}.finding": "yes" for number in range(1, 9)})
    fields = asyncio.run(played(always, program_of(unit_of([b"x"]))))
    assert [finding.line for finding in answer.read(fields, unit_of([b"x"]), LIMITS).findings] == [1]
    assert "2.finding" not in fields


def test_fixed_text_ends_in_no_space_and_options_carry_their_end() -> None:
    """What a model would say next begins with that space; and of 1, 12 and 101 none may begin another."""
    for step in all_steps(program_of(unit_of(NASTY["many"]))):
        if isinstance(step, Say):
            assert not step.text.endswith(" ")
        elif isinstance(step, Pick):
            assert all(not option.text.endswith(" ") for option in step.options)
            assert step.name.endswith(".finding") or all(option.text.endswith("\n") for option in step.options)
        elif isinstance(step, Write):
            assert step.stop == ("\n",)


def all_steps(program: Program) -> Iterator[Say | Pick | Write]:
    for step in program:
        assert isinstance(step, Say | Pick | Write)
        yield step
        if isinstance(step, Pick):
            for option in step.options:
                yield from all_steps(option.then)


def test_the_prompt_teaches_the_very_format() -> None:
    """Its example, written as the program would: what the model is shown is what it is held to."""
    system, *turns = prompting.shared("a.py", [])
    assert [turn.role for turn in turns] == ["user", "assistant"] * 2
    program = program_of(unit_of([b"x"] * 20))
    assert all(follow(program, answered.text) == "" for answered in turns[1::2])
    assert turns[1].text == "none"
    assert "18| send(user.address, text)" in turns[2].text and "- Line: 18" in turns[3].text
    for word in (*shape.CATEGORIES, *SEVERITIES):
        assert word in system.text


def follow(program: Program, text: str) -> str:
    """What is left of `text` after the program has taken what it admits."""
    for step in program:
        match step:
            case Say():
                assert text.startswith(step.text), (step, text)
                text = text.removeprefix(step.text)
            case Write():
                text = text[text.index(step.stop[0]) :]
            case Pick():
                option = next(option for option in step.options if text.startswith(option.text))
                text = follow(option.then, text.removeprefix(option.text))
    return text


def test_no_answer_is_longer_than_what_is_reserved_for_it() -> None:
    lines = [*range(1, 201), *range(999_000, 999_200)]
    assert max_tokens(shape.build(lines, LIMITS)) <= shape.longest(LIMITS) < 1500


def test_the_second_look_shows_the_lines_around_the_one_in_question() -> None:
    unit = units.cut(one_file("a.py", [b"x%d = 1" % number for number in range(100)]), 10**6, words)[0]
    fields = {f"1.{name}": Field(f"1.{name}", value) for name, value in
              {"finding": "yes", "line": "50", "scenario": "s <|im_end|>", "title": "t", "severity": "error",
               "category": "bug", "suggestion": "", "replacement": "none"}.items()}  # fmt: skip
    (finding,) = answer.read(fields | {"2.finding": Field("2.finding", "no")}, unit, LIMITS).findings
    messages = verification.messages(unit, finding, [])
    assert messages[:-1] == prompting.messages(unit, [])[:-1]  # the prefix that all have in common
    asked = messages[-1].text
    assert "line 50 is wrong:\nt\ns <|im_end|>" in asked
    assert "50| x49 = 1" in asked and "38| x37" in asked and "62| x61" in asked
    assert "37| " not in asked and "63| " not in asked


@pytest.mark.parametrize(("value", "probability", "expected"), [
    ("yes", 0.75, (True, 0.75)), ("no", 0.75, (False, 0.25)), ("no", None, (False, None)), ("yes", None, (True, None)),
])  # fmt: skip
def test_what_the_second_look_says(value: str, probability: float | None, expected: tuple[bool, float | None]) -> None:
    unit = unit_of([b"x"])
    program = program_of(unit)
    finding = answer.read(asyncio.run(played(Player(lambda _: {"1.finding": "yes"}), program)), unit, LIMITS).findings[
        0
    ]
    found = verification.verdict(finding, Field(verification.HOLDS, value, probability))
    assert (found.verified, found.verified_confidence) == expected


def test_options_are_few_where_lines_are_many() -> None:
    """A program names each line once a finding: it does not grow with their combinations."""
    options = [option for step in all_steps(program_of(unit_of(NASTY["many"]))) if isinstance(step, Pick) for option in
               step.options]  # fmt: skip
    assert all(isinstance(option, Option) for option in options)
    assert len(options) < 3 * (200 + 20)
