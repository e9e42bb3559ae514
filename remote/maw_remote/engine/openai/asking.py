"""What a server is asked: a request and the shape of its answer as the body of a POST. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from maw_remote.engine.interface import Message, Request
from maw_remote.engine.program import Program, Write, max_tokens
from maw_remote.engine.shape import gbnf, json_answer, plain, schema
from maw_remote.engine.shape.reading import Parser, Source

Json = dict[str, Any]
Shape = Literal["grammar", "json", "plain"]

STOPS_MAX = 4  # that OpenAI's API takes
_SHOWN = 8  # entries of a list that a prompt shows
_JSON_HINT = "\n\nAnswer with one JSON object that fits this schema, and nothing else:\n"


class Asked(NamedTuple):
    """A request in the form of one server, and how its answer is read."""

    path: str
    body: Json
    parse: Callable[[Source, Program], Parser]
    max_tokens: int


def needs_shape(program: Program) -> bool:
    """Whether more than one free text is wanted, so that the server has to be held to it."""
    return not (len(program) == 1 and isinstance(program[0], Write) and program[0].grammar is None)


def needs_grammar(program: Program) -> bool:
    """Whether only a grammar can say what is wanted."""
    return any(isinstance(step, Write) and step.grammar is not None for step in program)


def ask(request: Request, model: str, shape: Shape) -> Asked:
    """The request as a server with this shape takes it."""
    program = request.program
    limit = max(max_tokens(program), 1)
    body: Json = {
        "model": model, "stream": True, "stream_options": {"include_usage": True}, "max_tokens": limit,
        "temperature": request.temperature, "top_p": request.top_p, "seed": request.seed,
    }  # fmt: skip
    shaped = needs_shape(program)
    as_json = shaped and shape == "json" and bool(request.messages)
    if shaped and shape == "grammar":
        body["grammar"] = gbnf.build(program)
    elif as_json:
        found = schema.build(program)
        body["max_tokens"] = limit = limit + schema.frame(program)
        body["response_format"] = {
            "type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": found},
        }  # fmt: skip
    if len(program) == 1 and isinstance(program[0], Write):
        body |= _of_a_text(program[0], chat=bool(request.messages))
    messages = list(request.messages)
    if not messages:
        return Asked("/completions", body | {"prompt": request.prompt}, plain.parse, limit)
    if as_json:
        messages = _hinted(messages, body["response_format"]["json_schema"]["schema"])
    body["messages"] = [{"role": message.role, "content": message.text} for message in messages]
    return Asked("/chat/completions", body, json_answer.parse if as_json else plain.parse, limit)


def _of_a_text(step: Write, *, chat: bool) -> Json:
    """What a server can do by itself when all that is wanted is one text."""
    found: Json = {}
    if stops := [stop for stop in step.stop if stop][:STOPS_MAX]:
        found["stop"] = stops
    if step.logprobs is not None:
        found |= {"logprobs": True, "top_logprobs": step.logprobs} if chat else {"logprobs": step.logprobs}
    return found


def _hinted(messages: list[Message], wanted: Json) -> list[Message]:
    """Models write better what they know of; the prompt may speak of another form."""
    last = messages[-1]
    hint = _JSON_HINT + json.dumps(_outline(wanted), ensure_ascii=False)
    return [*messages[:-1], last._replace(text=last.text + hint)]


def _outline(wanted: Any) -> Any:
    """A schema with its long lists shortened: the server holds the model to them, and the prompt must stay short."""
    if isinstance(wanted, list):
        shown = [_outline(part) for part in wanted[:_SHOWN]]
        return [*shown, "\u2026"] if len(wanted) > _SHOWN and isinstance(wanted[0], str) else shown
    return {name: _outline(part) for name, part in wanted.items()} if isinstance(wanted, dict) else wanted


def probe(model: str, shape: Shape, word: str) -> Json:
    """A question that no model answers with `word` unless it is made to; with the shape "plain" nothing makes it."""
    body: Json = {
        "model": model, "stream": True, "max_tokens": 24, "temperature": 0.0,
        "messages": [{"role": "user", "content": "Say hello."}],
    }  # fmt: skip
    if shape == "plain":
        return body
    if shape == "grammar":
        return body | {"grammar": f"root ::= {gbnf.literal(word)}\n"}
    wanted = {
        "type": "object", "properties": {"a": {"type": "string", "enum": [word]}}, "required": ["a"],
        "additionalProperties": False,
    }  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": wanted}}
    return body | {"response_format": form}


def kept(shape: Shape, word: str, text: str) -> bool:
    """Whether the answer to a probe shows that the server holds its models to a shape."""
    if shape == "grammar":
        return text.strip() == word
    try:
        return bool(json.loads(text) == {"a": word})
    except ValueError:
        return False
