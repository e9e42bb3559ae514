"""Random programs, and random answers to them: what a worker could have said, in each of the forms that servers use."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from maw_remote.engine.interface import Field
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Step, Write
from maw_remote.engine.shape import flow, schema

LETTERS = 'ab"\\\n \u00e9\U0001f98a{`'
NAMES = ("line", "why", "more")
STOPS = ("\n", "\n\n", "``", "aab", "\n- ", '"')


class Answer(NamedTuple):
    """The same answer as plain text and as JSON, and what is to be read of it."""

    plain: str
    json: str
    fields: list[Field]


def says() -> st.SearchStrategy[Say]:
    return st.builds(Say, st.text(LETTERS, min_size=1, max_size=6))


def options(then: st.SearchStrategy[Program]) -> st.SearchStrategy[tuple[Option, ...]]:
    """Options whose texts begin differently, and end in a line."""
    made = st.lists(st.tuples(st.text("abc\u00e9", max_size=4), then), min_size=1, max_size=4)
    return made.map(
        lambda found: tuple(Option(f"{at}{text}\n", f"v{at}", below) for at, (text, below) in enumerate(found))
    )


def writes() -> st.SearchStrategy[Write]:
    """Free texts end at a stop, which the fixed text after them may begin with."""
    stops = st.lists(st.sampled_from(STOPS), min_size=1, max_size=2, unique=True).map(tuple)
    return st.builds(Write, st.sampled_from(NAMES), st.integers(1, 6), stops)


def steps(depth: int = 2) -> st.SearchStrategy[Program]:
    below = steps(depth - 1) if depth else st.just(())
    picks = st.builds(Pick, st.sampled_from(NAMES), options(below))
    scores = st.builds(Score, st.sampled_from(NAMES), st.text("abc", min_size=1, max_size=4))
    written = st.tuples(writes(), says()).map(_closed)
    step: st.SearchStrategy[Program] = st.one_of(
        says().map(lambda one: (one,)), picks.map(lambda one: (one,)), scores.map(lambda one: (one,)), written
    )
    return st.lists(step, max_size=3).map(lambda parts: tuple(step for part in parts for step in part))


def _closed(pair: tuple[Write, Say]) -> Program:
    write, say = pair
    return (write, Say(write.stop[0] + say.text))


def programs() -> st.SearchStrategy[Program]:
    return steps().filter(lambda found: any(isinstance(step, Pick | Write) for step in found))


def walk(program: Program, seed: int) -> Answer:
    """An answer that the program allows."""
    rng = random.Random(seed)
    plain, fields = "", []
    rest: Program = program
    order: list[tuple[Step, str]] = []
    while rest:
        step, rest = rest[0], rest[1:]
        match step:
            case Say():
                plain += step.text
            case Score():
                plain += step.text
                fields.append(Field(step.name, step.text))
            case Pick():
                option = rng.choice(step.options)
                plain += option.text
                fields.append(Field(step.name, option.value))
                order.append((step, option.text))
                rest = (*option.then, *rest)
            case Write():
                text = free_text(step, rest, rng)
                plain += text
                found = flow.ends(step, rest)
                if rest and not found.left:
                    plain += found.stops[0]
                fields.append(Field(step.name, text))
                order.append((step, text))
    return Answer(plain, json.dumps(_as_json(program, order), ensure_ascii=rng.random() < 0.5), fields)


def free_text(step: Write, rest: Program, rng: random.Random) -> str:
    """A text that may stand there: within its bound, and whose end is found where it is."""
    ends = flow.ends(step, rest)
    heads = flow.after(ends, rest) or [""]
    for _ in range(200):
        text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, flow.limit(step))))
        if all(flow.first_stop(text + head, ends.stops)[0] >= len(text) for head in heads):
            return text
    return ""


def _as_json(program: Program, order: list[tuple[Step, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, step in schema.members(program):
        _, said = order.pop(0)
        if isinstance(step, Write):
            found[key] = said
            continue
        option = next(one for one in step.options if one.text == said)
        if schema.leads_on(step):
            found[key] = {schema.own(key, option.then): option.value, **_as_json(option.then, order)}
        else:
            found[key] = option.value
    return found
