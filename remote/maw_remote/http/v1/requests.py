"""What clients send, checked once where it enters. Pure. Whatever is not known, or cannot be done, is refused by name:
an answer that silently left something out would be worse than none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from maw_remote.engine.interface import Message
from maw_remote.engine.shape import jsonschema
from maw_remote.http.v1.errors import Refused

Json = dict[str, Any]
T = TypeVar("T")

STOPS_MAX = 16
TOP_MAX = 20
INPUTS_MAX = 2048
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# What says nothing about the answer.
_IGNORED = {
    "user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "parallel_tool_calls",
}  # fmt: skip
# What can be left out, or said to be off; anything else is refused by name.
_ONLY: dict[str, tuple[Any, ...]] = {
    "n": (None, 1), "best_of": (None, 1), "echo": (None, False), "suffix": (None, ""), "store": (None, False),
    "presence_penalty": (None, 0), "frequency_penalty": (None, 0), "logit_bias": (None, {}), "tools": (None, []),
    "functions": (None, []), "tool_choice": (None, "none", "auto"), "function_call": (None, "none", "auto"),
    "modalities": (None, ["text"]), "audio": (None,), "prediction": (None,), "web_search_options": (None,),
    "reasoning_effort": (None, "none"), "verbosity": (None, "medium"),
}  # fmt: skip
_WHY = {
    "n": "one answer a request", "best_of": "one answer a request", "tools": "tool calls are not supported",
    "functions": "tool calls are not supported", "tool_choice": "tool calls are not supported",
    "suffix": "filling in the middle is not supported", "audio": "text only",
    "modalities": "text only", "echo": "the prompt is not repeated",
}  # fmt: skip
_CHAT = {
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
    "seed", "stop", "logprobs", "top_logprobs", "response_format",
}  # fmt: skip
_COMPLETION = {
    "model",
    "prompt",
    "stream",
    "stream_options",
    "max_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "logprobs",
}
_EMBEDDING = {"model", "input", "encoding_format"}


class Ask(NamedTuple):
    """A chat, or without messages a bare prompt. `max_tokens` None: as many as there is room for."""

    model: str
    max_tokens: int | None
    temperature: float
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    logprobs: int | None
    stream: bool
    with_usage: bool
    messages: tuple[Message, ...] = ()
    prompt: str = ""
    grammar: str | None = None


class Embed(NamedTuple):
    model: str
    texts: tuple[str, ...]
    base64: bool


def decode(raw: bytes) -> Json:
    """The body as a JSON object. Raises Refused."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused(f"the body cannot be read: {exc}") from exc
    if not isinstance(found, dict):
        raise Refused("the body is not a JSON object")
    return found


def chat(data: Json) -> Ask:
    """A request of chat completions. Raises Refused."""
    _check_names(data, _CHAT)
    grammar = _grammar(data.get("response_format"))
    top = _number(data, "top_logprobs", 0, TOP_MAX)
    wanted = _flag(data, "logprobs")
    if top is not None and not wanted:
        raise Refused("needs logprobs: true", param="top_logprobs")
    limit = _limit(data, "max_completion_tokens") or _limit(data, "max_tokens")
    found = _ask(data, limit, (top or 0) if wanted else None)
    return found._replace(messages=messages(data.get("messages")), grammar=grammar)


def completion(data: Json) -> Ask:
    """A request of text completions. Raises Refused."""
    _check_names(data, _COMPLETION)
    prompt = data.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise Refused("one prompt, as text", param="prompt")
    limit = _limit(data, "max_tokens") or 16  # OpenAI's own default
    return _ask(data, limit, _number(data, "logprobs", 0, TOP_MAX))._replace(prompt=prompt)


def embedding(data: Json) -> Embed:
    """A request of embeddings. Raises Refused."""
    _check_names(data, _EMBEDDING)
    found = data.get("input")
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not texts or len(texts) > INPUTS_MAX:
        raise Refused(f"text, or 1 to {INPUTS_MAX} texts", param="input")
    if not all(isinstance(text, str) and text for text in texts):
        raise Refused("every input is text, and none is empty; token numbers are not taken", param="input")
    form = data.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise Refused("float or base64", param="encoding_format")
    return Embed(_model(data), tuple(texts), form == "base64")


def messages(found: Any) -> tuple[Message, ...]:
    """The turns of a chat. Raises Refused."""
    if not isinstance(found, list) or not found:
        raise Refused("a list of at least one message", param="messages")
    return tuple(_message(entry, f"messages[{at}]") for at, entry in enumerate(found))


def _message(entry: Any, where: str) -> Message:
    if not isinstance(entry, dict):
        raise Refused("not an object", param=where)
    role = entry.get("role")
    if role in ("tool", "function") or entry.get("tool_calls") or entry.get("function_call"):
        raise Refused("tool calls are not supported", param=where, code="unsupported_parameter")
    if not isinstance(role, str) or role not in _ROLES:
        raise Refused(f"one of {', '.join(_ROLES)}", param=f"{where}.role")
    return Message(_ROLES[role], _content(entry.get("content"), f"{where}.content"))  # type: ignore[arg-type]


def _content(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise Refused("text, or a list of parts of text", param=where)
    return "".join(_part(part, f"{where}[{at}]") for at, part in enumerate(content))


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind != "text":
        what = f"parts of type {kind!r}" if isinstance(kind, str) else "parts without a type"
        raise Refused(f"{what} are not supported: text only", param=where, code="unsupported_parameter")
    if not isinstance(part.get("text"), str):
        raise Refused("not text", param=f"{where}.text")
    return str(part["text"])


def _ask(data: Json, limit: int | None, logprobs: int | None) -> Ask:
    """What both kinds of completions have."""
    stream = _flag(data, "stream")
    return Ask(
        model=_model(data), max_tokens=limit, temperature=_real(data, "temperature", 0.0, 2.0, 1.0),
        top_p=_real(data, "top_p", 0.0, 1.0, 1.0), seed=_number(data, "seed", -(2**63), 2**63 - 1),
        stop=_stops(data.get("stop")), logprobs=logprobs, stream=stream,
        with_usage=_with_usage(data.get("stream_options"), stream),
    )  # fmt: skip


def _check_names(data: Json, known: set[str]) -> None:
    for name, value in data.items():
        if name in known or name in _IGNORED:
            continue
        if name not in _ONLY:
            raise Refused(f"unknown parameter: {name}", param=name, code="unknown_parameter")
        if not any(
            value == allowed and isinstance(value, bool) == isinstance(allowed, bool) for allowed in _ONLY[name]
        ):
            why = _WHY.get(name, "not supported")
            raise Refused(f"{name} cannot be used: {why}", param=name, code="unsupported_parameter")


def _model(data: Json) -> str:
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise Refused("the name of a model; GET /v1/models lists them", param="model")
    return model


def _flag(data: Json, name: str) -> bool:
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused("true or false", param=name)
    return bool(value)


def _number(data: Json, name: str, low: int, high: int) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(f"a whole number from {low} to {high}", param=name)
    return value


def _limit(data: Json, name: str) -> int | None:
    return _number(data, name, 1, 10**9)


def _real(data: Json, name: str, low: float, high: float, otherwise: float) -> float:
    value = data.get(name)
    if value is None:
        return otherwise
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:
        raise Refused(f"a number from {low:g} to {high:g}", param=name)
    return float(value)


def _stops(value: Any) -> tuple[str, ...]:
    found: Sequence[Any] = () if value is None else [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or len(found) > STOPS_MAX:
        raise Refused(f"text, or at most {STOPS_MAX} texts", param="stop")
    if not all(isinstance(stop, str) and stop for stop in found):
        raise Refused("every stop is text, and none is empty", param="stop")
    return tuple(found)


def _with_usage(options: Any, stream: bool) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict) or not stream:
        raise Refused("an object, and only with stream: true", param="stream_options")
    for name in options:
        if name not in ("include_usage", "include_obfuscation"):
            raise Refused(f"unknown parameter: {name}", param=f"stream_options.{name}", code="unknown_parameter")
    return _flag(options, "include_usage")


def _grammar(form: Any) -> str | None:
    if form is None:
        return None
    kind = form.get("type") if isinstance(form, dict) else None
    match kind:
        case "text":
            return None
        case "json_object":
            return jsonschema.anything()
        case "json_schema":
            return _of_schema(form.get("json_schema"))
        case _:
            raise Refused("text, json_object or json_schema", param="response_format.type")


def _of_schema(form: Any) -> str:
    schema = form.get("schema") if isinstance(form, dict) else None
    where = "response_format.json_schema.schema"
    if not isinstance(schema, dict):
        raise Refused("a JSON schema", param=where)
    return _told(lambda: jsonschema.build(schema, where))


def _told(build: Callable[[], T]) -> T:
    try:
        return build()
    except jsonschema.Unsupported as exc:
        raise Refused(str(exc), param=exc.path, code="unsupported_schema") from exc
    except RecursionError as exc:
        raise Refused("nested too deeply", param="response_format", code="unsupported_schema") from exc
