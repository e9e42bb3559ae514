"""How a program reads as one plain text: where a free text ends, and what may follow it.

The worker ends a Write itself. In a text that a server wrote, its end has to be found: at one of its stops, or, where
it has none, at the fixed text that follows.
"""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.engine.program import Pick, Program, Write

_CHARS_PER_TOKEN = 4  # of prose and code; a text that is longer than its tokens allow counts as cut


class Ends(NamedTuple):
    """Where a Write's text ends. `stops`: at the first of these. `left`: those that belong to what follows."""

    stops: tuple[str, ...]
    left: frozenset[str]


def limit(step: Write) -> int:
    """Characters that a Write's text may have, for who cannot count its tokens."""
    return step.max_tokens * _CHARS_PER_TOKEN


def ends(step: Write, rest: Program) -> Ends:
    """How the text of a Write that `rest` follows ends. Without stops: only with the answer."""
    heads = [head for head in _heads(rest) if head]
    stops = tuple(stop for stop in step.stop if stop)
    if not stops:
        return Ends(tuple(dict.fromkeys(heads)), frozenset(heads))
    return Ends(stops, frozenset(stop for stop in stops if any(head.startswith(stop) for head in heads)))


def after(found: Ends, rest: Program) -> list[str]:
    """The texts that may come right after a Write's: a stop of its own, or what follows it."""
    if found.stops and not found.left and rest:
        return [found.stops[0]]
    return [head for head in _heads(rest) if head]


def _heads(steps: Program) -> list[str]:
    """How the text of `steps` may begin, as far as it is fixed; '' where nothing is."""
    lead = ""
    for at, step in enumerate(steps):
        if isinstance(step, Write):
            break
        if isinstance(step, Pick):
            rest = steps[at + 1 :]
            below = [
                [option.text] if option.text else _heads((*option.then, *rest)) for option in step.options
            ]  # fmt: skip
            return [lead + head for heads in below for head in heads]
        lead += step.text
    return [lead]


def first_stop(text: str, stops: tuple[str, ...]) -> tuple[int, str]:
    """Where the stop that is complete first begins, and which it is; without one, the text's end and ''."""
    found = [(at + len(stop), at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    _, at, stop = min(found, default=(0, len(text), ""))
    return at, stop
