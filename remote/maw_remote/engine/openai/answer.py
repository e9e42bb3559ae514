"""One answer of a server as it comes: its parts, its end, and what it cost. Pure."""

from __future__ import annotations

import math
import time
from typing import Literal

from maw_remote.engine.interface import Field, Request, Text, Token, Usage
from maw_remote.engine.openai import stream
from maw_remote.engine.openai.asking import Asked
from maw_remote.engine.openai.stream import Chunk, Json
from maw_remote.engine.shape.reading import Reading

_BYTES_PER_TOKEN = 3  # fewer than in any prose or code measured: a text is never taken for shorter than it is
_EXTRA = 16  # chunks beyond the limit of tokens, after which a server does not heed it


def estimate(text: str) -> int:
    """Tokens of a text, from above."""
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)


class Answer:
    """One answer as it comes."""

    def __init__(self, request: Request, asked: Asked, began: float) -> None:
        self._asked = asked
        self._began = began
        self._reading = Reading(request.program, asked.parse)
        self._first = 0.0
        self._pieces = 0
        self._usage: Json | None = None
        self._finish = ""
        self._waiting: tuple[Token, ...] = ()
        self._prompt = sum(estimate(message.text) for message in request.messages) + estimate(request.prompt)
        self.fingerprint = ""
        self.over = False  # nothing more is wanted of this stream

    @property
    def problem(self) -> str | None:
        """Why the answer is not all that was asked for; a limit that was reached is told by the usage."""
        return None if self._finish == "length" or self._reading.done else self._reading.problem

    def add(self, chunk: Chunk) -> list[Text | Field]:
        self._usage = chunk.usage or self._usage
        self._finish = chunk.finish or self._finish
        self.fingerprint = chunk.fingerprint or self.fingerprint
        self._waiting += chunk.tokens
        if not chunk.text:
            return []
        self._first = self._first or time.monotonic()
        self._pieces += 1
        # A model that goes on after the end, or is not held to its limit, is not waited for.
        self.over = (self._reading.done and bool(chunk.text.strip())) or self._reading.problem is not None
        if self._pieces > self._asked.max_tokens + _EXTRA:
            self.over, self._finish = True, "length"
        return [self._with_tokens(part) for part in self._reading.feed(chunk.text)]

    def end(self) -> list[Text | Field]:
        return [self._with_tokens(part) for part in self._reading.close(cut=self._finish == "length")]

    def _with_tokens(self, part: Text | Field) -> Text | Field:
        if isinstance(part, Text) and self._waiting:
            part, self._waiting = part._replace(tokens=self._waiting), ()
        return part

    def usage(self) -> Usage:
        """What the server tells, where it can be; else what was seen."""
        now = time.monotonic()
        prompt = stream.counted(self._usage, "prompt_tokens", self._prompt)
        finish: Literal["stop", "length"] = "length" if self._finish == "length" else "stop"
        return Usage(
            prompt_tokens=prompt,
            cached_tokens=stream.counted(self._usage, "prompt_tokens_details.cached_tokens", 0, prompt),
            completion_tokens=stream.counted(
                self._usage, "completion_tokens", self._pieces, 2 * self._asked.max_tokens
            ),
            first_token_ms=((self._first or now) - self._began) * 1000,
            elapsed_ms=(now - self._began) * 1000,
            finish=finish,
        )
