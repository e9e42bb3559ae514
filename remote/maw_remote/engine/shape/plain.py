"""Read an answer that a server wrote as the program's plain text, with a grammar or just because it was asked to.

Strict about what the program fixes, tolerant about what models leave away: white space around the answer, and the end
of its last line.
"""

from __future__ import annotations

from collections.abc import Generator

from maw_remote.engine.interface import Field, Text
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Write
from maw_remote.engine.shape import flow
from maw_remote.engine.shape.reading import Bounded, Parser, Source, Taken


def parse(source: Source, program: Program) -> Parser:
    """The answer's parts. Raises Unreadable."""
    taken = Taken()
    steps = program
    yield from _margin(source, steps)
    while steps:
        step, steps = steps[0], steps[1:]
        match step:
            case Say():
                yield from _fixed(source, step.text)
            case Score():
                yield from _fixed(source, step.text)
                yield Field(step.name, step.text)
            case Pick():
                option = yield from _option(source, step, taken.left(step))
                yield taken.take(step, option)
                steps = (*option.then, *steps)
            case Write():
                yield from _written(source, step, steps)


def _margin(source: Source, steps: Program) -> Parser:
    """White space before the answer, unless that is what it begins with."""
    first = steps[0] if steps else None
    if isinstance(first, Say | Score) and not first.text[:1].isspace() and first.text:
        while not source.text.lstrip() and not source.closed:
            source.take(len(source.text))
            yield None
        source.take(len(source.text) - len(source.text.lstrip()))


def _fixed(source: Source, text: str) -> Parser:
    while len(source.text) < len(text):
        if not text.startswith(source.text):
            break
        if source.closed:
            if text[len(source.text) :].strip():
                raise source.unreadable("the text that was asked for")
            source.take(len(source.text))
            return
        yield None
    if not source.text.startswith(text):
        raise source.unreadable("the text that was asked for")
    source.take(len(text))


def _option(source: Source, pick: Pick, options: list[Option]) -> Generator[None, None, Option]:
    while True:
        for option in options:
            if source.text.startswith(option.text):
                source.take(len(option.text))
                return option
        if source.closed:
            return _last_option(source, pick, options)
        if not any(option.text.startswith(source.text) for option in options):
            raise source.unreadable(f"an option of {pick.name!r}")
        yield None


def _last_option(source: Source, pick: Pick, options: list[Option]) -> Option:
    """The option that the rest of the answer is, but for white space at its end."""
    found = [option for option in options if option.text.rstrip() == source.text.rstrip() and option.text.strip()]
    if len(found) != 1 or source.cut:
        raise source.unreadable(f"an option of {pick.name!r}")
    source.take(len(source.text))
    return found[0]


def _written(source: Source, step: Write, rest: Program) -> Parser:
    ends = flow.ends(step, rest)
    hold = max((len(stop) for stop in ends.stops), default=1) - 1
    text = Bounded(step.name, flow.limit(step))
    while True:
        at, stop = flow.first_stop(source.text, ends.stops)
        if not stop and not source.closed:
            at = max(len(source.text) - hold, 0)
        if piece := text.add(source.take(at)):
            yield Text(step.name, piece)
        if stop:
            break
        if source.closed:
            if any(_needs_text(later) for later in rest):
                raise source.unreadable(f"the end of {step.name!r}")
            break
        yield None
    if stop and stop not in ends.left:
        source.take(len(stop))
    yield text.field(cut=source.cut and not stop)


def _needs_text(step: object) -> bool:
    return not isinstance(step, Say | Score) or bool(step.text.strip())
