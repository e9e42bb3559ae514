"""What a server sends, piece by piece, and nothing taken on trust. Pure.

Formats: server-sent events with a chat or text completion chunk each, and one whole answer as JSON from servers that do
not stream.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from maw_remote.engine.interface import Token

Json = dict[str, Any]

LINE_MAX = 1 << 20  # bytes
_COUNT_MAX = 10**8  # tokens that any request could have
_NOTHING = -9999.0  # stands for a log-probability that is not finite


class Garbage(ValueError):
    """What came is no answer; the message says why, without its text."""


class Chunk(NamedTuple):
    """What one event says."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    finish: str | None = None
    usage: Json | None = None
    fingerprint: str | None = None
    error: str | None = None


class Events:
    """Bytes in, the data of events out. `done` once the server said so."""

    def __init__(self) -> None:
        self._rest = b""
        self.done = False

    def feed(self, data: bytes) -> Iterator[Json]:
        """Raises Garbage."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_MAX:
            raise Garbage("a line without an end")
        for line in lines:
            name, _, value = line.rstrip(b"\r").partition(b":")
            if name != b"data":
                continue
            if value.strip() == b"[DONE]":
                self.done = True
                return
            yield decode(value)


def decode(data: bytes) -> Json:
    """A JSON object. Raises Garbage."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise Garbage("something that is not JSON") from exc
    if not isinstance(found, dict):
        raise Garbage("JSON that is no object")
    return found


def chunk(data: Json) -> Chunk:
    """What an event of a stream, or a whole answer, says. Raises Garbage."""
    if data.get("error"):
        return Chunk(error=error_text(data))
    usage = data.get("usage")
    fingerprint = data.get("system_fingerprint")
    found = Chunk(
        usage=usage if isinstance(usage, dict) else None,
        fingerprint=fingerprint[:64] if isinstance(fingerprint, str) else None,
    )
    choices = data.get("choices")
    if choices is None and found.usage is None:
        raise Garbage("JSON that is no part of an answer")
    if not choices:
        return found
    first = choices[0] if isinstance(choices, list) else None
    if not isinstance(first, dict):
        raise Garbage("choices that are none")
    finish = first.get("finish_reason")
    return found._replace(
        text=_text(first), tokens=_tokens(first.get("logprobs")), finish=finish if isinstance(finish, str) else None
    )


def _text(choice: Json) -> str:
    part = choice.get("delta", choice.get("message"))
    text = part.get("content") if isinstance(part, dict) else choice.get("text")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise Garbage("a text that is none")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """The tokens of a chat's logprobs; what does not look like them is no reason to lose the answer."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(_token(entry) for entry in content if isinstance(entry, dict))


def _token(entry: Json) -> Token:
    top = entry.get("top_logprobs")
    likeliest = (
        tuple((_piece(one), _logprob(one)) for one in top if isinstance(one, dict)) if isinstance(top, list) else ()
    )
    return Token(_piece(entry), _logprob(entry), likeliest)


def _piece(entry: Json) -> bytes:
    raw = entry.get("bytes")
    if isinstance(raw, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in raw):
        return bytes(raw)
    return str(entry.get("token", "")).encode("utf-8", "replace")


def _logprob(entry: Json) -> float:
    value = entry.get("logprob")
    return float(value) if _finite(value) else _NOTHING  # type: ignore[arg-type]


def error_text(data: Json) -> str:
    """The message of an error's body, short and on one line."""
    error = data.get("error", data)
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message)[:300].split()) if isinstance(message, str) else "an error without a message"


def counted(usage: Json | None, name: str, otherwise: int, most: int = _COUNT_MAX) -> int:
    """A number of tokens that the server tells, or what is known without it where that cannot be."""
    value: Any = usage
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
        return value
    return otherwise


def vectors(data: Json, count: int) -> list[list[float]]:
    """The embeddings of an answer, each of length 1. Raises Garbage."""
    entries = data.get("data")
    found = (
        [entry.get("embedding") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )
    if len(found) != count:
        raise Garbage("another number of vectors than texts were given")
    return [_normed(vector) for vector in found]


def _normed(vector: Any) -> list[float]:
    if not isinstance(vector, list) or not vector or not all(map(_finite, vector)):
        raise Garbage("vectors that are none")
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else [float(value) for value in vector]


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
