"""What clients get: whole answers and chunks of streams, as OpenAI's API has them. Pure."""

from __future__ import annotations

import base64
import json
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from maw_remote.engine.interface import Token, Usage

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"


class Head(NamedTuple):
    """What every part of an answer has in common."""

    id: str
    model: str
    fingerprint: str
    created: int
    chat: bool
    logprobs: int | None  # as asked for
    with_usage: bool = False  # of a stream

    def of(self, kind: str, choices: list[Json]) -> Json:
        return {
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
            "system_fingerprint": self.fingerprint, "choices": choices,
        }  # fmt: skip


def head(
    number: str, model: str, fingerprint: str, *, chat: bool, logprobs: int | None, with_usage: bool = False
) -> Head:
    prefix = "chatcmpl" if chat else "cmpl"
    return Head(f"{prefix}-{number}", model, fingerprint, int(time.time()), chat, logprobs, with_usage)


def whole(found: Head, text: str, tokens: Sequence[Token], used: Usage) -> Json:
    """An answer in one piece."""
    choice: Json = {"index": 0, "finish_reason": used.finish, "logprobs": _logprobs(found, tokens, 0)}
    if found.chat:
        choice["message"] = {"role": "assistant", "content": text, "refusal": None}
    else:
        choice["text"] = text
    return found.of("chat.completion" if found.chat else "text_completion", [choice]) | {"usage": usage(used)}


def first(found: Head) -> Iterator[bytes]:
    """How a stream begins."""
    if found.chat:
        yield _chunk(found, {"role": "assistant", "content": "", "refusal": None}, None)


def piece(found: Head, text: str, tokens: Sequence[Token], offset: int) -> bytes:
    """A piece of a stream's text; `offset`: characters before it."""
    logprobs = _logprobs(found, tokens, offset)
    return _chunk(found, {"content": text} if found.chat else text, None, logprobs)


def last(found: Head, used: Usage) -> Iterator[bytes]:
    """How a stream ends."""
    yield _chunk(found, {} if found.chat else "", used.finish)
    if found.with_usage:
        yield event(found.of(_kind(found), []) | {"usage": usage(used)})
    yield DONE


def event(data: Json) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n\n"


def usage(used: Usage) -> Json:
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
    }


def _kind(found: Head) -> str:
    return "chat.completion.chunk" if found.chat else "text_completion"


def _chunk(found: Head, content: Json | str, finish: str | None, logprobs: Json | None = None) -> bytes:
    choice: Json = {"index": 0, "delta" if found.chat else "text": content, "finish_reason": finish}
    data = found.of(_kind(found), [choice | {"logprobs": logprobs}])
    return event(data | {"usage": None} if found.with_usage else data)


def _logprobs(found: Head, tokens: Sequence[Token], offset: int) -> Json | None:
    if found.logprobs is None:
        return None
    return {"content": [_entry(one) for one in tokens], "refusal": None} if found.chat else _legacy(tokens, offset)


def _entry(token: Token) -> Json:
    return _told(token.piece, token.logprob) | {"top_logprobs": [_told(*one) for one in token.top]}


def _told(raw: bytes, logprob: float) -> Json:
    return {"token": raw.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(raw)}


def _legacy(tokens: Sequence[Token], offset: int) -> Json:
    texts = [token.piece.decode("utf-8", "replace") for token in tokens]
    offsets = [offset + sum(map(len, texts[:at])) for at in range(len(texts))]
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{raw.decode("utf-8", "replace"): value for raw, value in token.top} for token in tokens],
        "text_offset": offsets,
    }


def embeddings(model: str, vectors: Sequence[Sequence[float]], tokens: int, *, as_base64: bool) -> Json:
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(vector) if as_base64 else list(vector)}
        for at, vector in enumerate(vectors)
    ]
    return {
        "object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }  # fmt: skip


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def model(name: str, created: int) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": "maw"}
