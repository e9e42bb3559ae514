"""The seam between tasks and models: all that jobs know of an engine. Pooling and batching change behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, NamedTuple, Protocol

from maw import api


class Message(NamedTuple):
    """A turn of a chat. `text` is data: it is never tokenised as control tokens."""

    role: Literal["system", "user", "assistant"]
    text: str


class Generation(NamedTuple):
    """One answer to generate. `grammar` is GBNF made by maw itself, never by a user (a bad one kills a worker)."""

    messages: Sequence[Message]
    max_tokens: int
    grammar: str | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: Sequence[str] = ()


class Usage(NamedTuple):
    """What an answer cost; the last thing a generation yields. `finish` is 'length' when it was cut."""

    prompt_tokens: int
    cached_tokens: int  # of the prompt, already evaluated
    completion_tokens: int
    first_token_ms: float
    elapsed_ms: float
    finish: Literal["stop", "length"]


class EngineError(Exception):
    """A model cannot answer. `retry` tells whether a fresh attempt may succeed (a worker died), or not (bad input)."""

    def __init__(self, code: str, message: str, *, hint: str | None = None, retry: bool = False) -> None:
        super().__init__(message)
        self.code = code  # model_missing, model_broken, bad_catalogue, too_long, worker_lost, worker_hung
        self.message = message
        self.hint = hint
        self.retry = retry


class Engine(Protocol):
    """Runs models by name. Every method that reaches a worker may raise EngineError."""

    def generate(self, model: str, request: Generation) -> AsyncIterator[str | Usage]:
        """Pieces of text as they come, whole characters only, then one Usage. Closing the iterator (aclose, or the
        task's cancellation) stops the worker at the next token."""

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, tokenised as data."""

    async def context(self, model: str) -> int:
        """The model's context length in tokens, as loaded."""

    def identity(self, model: str) -> str:
        """What determines the model's answers besides the prompt: the file's checksum and its settings, or 'missing'.
        Cheap: it never loads a model."""

    async def load(self, model: str) -> None: ...

    async def unload(self, model: str) -> None:
        """End the model's worker. Its running generations fail with worker_lost."""

    def working(self) -> bool:
        """True while it does something that no task stands for, such as a pull: no time to leave."""

    def models(self) -> list[api.Model]:
        """Every model of the catalogue and the store, with its state."""

    async def close(self) -> None:
        """End all workers."""
