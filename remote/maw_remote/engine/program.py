"""The shape of an answer as a program over the model's tokens. Pure data: engines run it, jobs write it.

A worker feeds what is fixed (Say), scores what is a choice over exactly its options (Pick), samples what is free up to
its end (Write), and rates what is given (Score). A server that can only be asked gets the same shape as a grammar or a
JSON schema. So an answer is well-formed by construction, and each choice has a probability of the model's own.

Texts are data: they are tokenised without control tokens. A fixed text is tokenised together with what follows it.
"""

from __future__ import annotations

import msgspec


class Say(msgspec.Struct, frozen=True, tag="say"):
    """Fixed text. It costs no sampling."""

    text: str


class Option(msgspec.Struct, frozen=True):
    """One admissible continuation of a Pick. No option's text may begin another one's: it carries its terminator
    ("12\\n", not "12"). `then` runs when it was taken, before what follows the Pick."""

    text: str
    value: str
    then: tuple[Step, ...] = ()


class Pick(msgspec.Struct, frozen=True, tag="pick"):
    """A choice, made by the exact probabilities of the options' texts.

    `unlike` names earlier Picks: the values that they took are no options here (a second finding names another line).
    At least one option must be left.
    """

    name: str
    options: tuple[Option, ...]
    unlike: tuple[str, ...] = ()


class Write(msgspec.Struct, frozen=True, tag="write"):
    """Free text, up to one of `stop` (which is not part of it), the model's own end, or `max_tokens`.

    `grammar` is GBNF made by maw itself, never by a user: a bad one kills a worker. `logprobs`: tell each token's
    log-probability, and those of as many likeliest tokens in its place (0 to 20).
    """

    name: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    logprobs: int | None = None


class Score(msgspec.Struct, frozen=True, tag="score"):
    """How much of the model's mass a given text has: its Field's `probability` is the geometric mean over its tokens.
    The text becomes part of the context, like a Say's."""

    name: str
    text: str


Step = Say | Pick | Write | Score
Program = tuple[Step, ...]


def max_tokens(program: Program, count: int = 1) -> int:
    """An upper bound of the tokens that an answer takes, with `count` tokens for each character of fixed text."""
    return sum(_cost(step, count) for step in program)


def _cost(step: Step, count: int) -> int:
    match step:
        case Write():
            return step.max_tokens
        case Pick():
            return max(len(option.text) * count + max_tokens(option.then, count) for option in step.options)
        case _:
            return len(step.text) * count
