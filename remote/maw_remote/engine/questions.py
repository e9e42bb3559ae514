"""A request as a frame for a worker, and a worker's frames as parts of an answer."""

from __future__ import annotations

import msgspec

from maw_remote.engine.frames import Json
from maw_remote.engine.interface import Field, Request, Text, Token, Usage
from maw_remote.engine.prefixes import Place


def asked(request: Request, place: Place) -> Json:
    """The frame of a request; the id is added where it is sent."""
    return {
        "op": "run", **request._asdict(), "program": msgspec.to_builtins(request.program), "prefix": place._asdict(),
    }  # fmt: skip


def told(answer: Json) -> Text | Field | Usage:
    """The part of an answer that a frame holds."""
    match answer["op"]:
        case "text":
            return Text(answer["name"], answer["text"], tuple(map(_token, answer.get("tokens", ()))))
        case "field":
            return Field(**{name: answer[name] for name in Field._fields})
        case _:
            return Usage(**{name: answer[name] for name in Usage._fields})


def _token(raw: tuple[list[int], float, list[tuple[list[int], float]]]) -> Token:
    piece, logprob, top = raw
    return Token(bytes(piece), logprob, tuple((bytes(other), value) for other, value in top))
