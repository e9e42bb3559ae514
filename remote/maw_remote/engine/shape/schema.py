"""A program as a JSON schema, for servers that take `response_format`.

An object with a member for each Pick and Write, in order. A Pick whose options lead on is an object of its own: the
value taken, and what follows it. Fixed texts are left out: json_answer puts them back. Only words that every server
knows (OpenAI's strict mode): all members required, no others, enum and anyOf.
"""

from __future__ import annotations

from typing import Any

from maw_remote.engine.program import Option, Pick, Program, Write
from maw_remote.engine.shape import flow

Json = dict[str, Any]

_LENGTH_MAX = 1000  # characters; with longer bounds llama.cpp refuses the schema, or dies


def build(program: Program) -> Json:
    """The schema of a program's answers. `unlike` of a Pick has no form here: the parser holds it."""
    return _object([(key, _value(key, step)) for key, step in members(program)])


def members(program: Program) -> list[tuple[str, Pick | Write]]:
    """What an object has for these steps: a name that comes again gets a number."""
    found: list[tuple[str, Pick | Write]] = []
    counts: dict[str, int] = {}
    for step in program:
        if isinstance(step, Pick | Write):
            counts[step.name] = number = counts.get(step.name, 0) + 1
            found.append((step.name if number == 1 else f"{step.name}_{number}", step))
    return found


def frame(program: Program) -> int:
    """Tokens that braces, keys and quotes take, on the longest way through."""
    return 4 + sum(_frame(key, step) for key, step in members(program))


def _frame(key: str, step: Pick | Write) -> int:
    below = max((frame(option.then) for option in step.options), default=0) if isinstance(step, Pick) else 0
    return len(key) + 8 + (len(key) + 8 + below if below > 4 else 0)


def leads_on(pick: Pick) -> bool:
    """Whether something is to be said after an option of its own."""
    return any(members(option.then) for option in pick.options)


def _value(key: str, step: Pick | Write) -> Json:
    if isinstance(step, Write):
        bound = flow.limit(step)
        return {"type": "string", "maxLength": bound} if bound <= _LENGTH_MAX else {"type": "string"}
    if not leads_on(step):
        return _enum(step.options)
    ways: list[tuple[Program, list[Option]]] = []
    for option in step.options:
        known = next((options for then, options in ways if then == option.then), None)
        if known is None:
            ways.append((option.then, [option]))
        else:
            known.append(option)
    return {"anyOf": [_way(key, then, options) for then, options in ways]}


def _way(key: str, then: Program, options: list[Option]) -> Json:
    """What options that lead on alike look like: the value, then what follows it."""
    return _object([(own(key, then), _enum(options)), *((name, _value(name, step)) for name, step in members(then))])


def own(key: str, then: Program) -> str:
    """The member that tells the value taken, where `then` follows it in the same object."""
    names = {name for name, _ in members(then)}
    while key in names:
        key = f"{key}_"
    return key


def _enum(options: tuple[Option, ...] | list[Option]) -> Json:
    return {"type": "string", "enum": list(dict.fromkeys(option.value for option in options))}


def _object(found: list[tuple[str, Json]]) -> Json:
    return {
        "type": "object",
        "properties": dict(found),
        "required": [name for name, _ in found],
        "additionalProperties": False,
    }
