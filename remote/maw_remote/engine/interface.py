"""The seam between tasks and models: all that jobs know of an engine. Pooling and batching change behind it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, NamedTuple, Protocol

from maw import api
from maw_remote.engine.program import Program


class Message(NamedTuple):
    """A turn of a chat. `text` is data: it is never tokenised as control tokens."""

    role: Literal["system", "user", "assistant"]
    text: str


class Request(NamedTuple):
    """What `Engine.run` is asked: a chat (or, without messages, a bare `prompt`), and the shape of its answer.

    `shared` says how many of the leading messages other requests have too: they are evaluated once and kept. `adapter`
    is the path of a LoRA adapter (GGUF). A `background` request waits while an interactive one is worked on.
    `grammar_optional`: a server that takes no grammar may answer freely, since who asked reads the answer with care.
    """

    messages: Sequence[Message]
    program: Program
    prompt: str = ""
    shared: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    adapter: str | None = None
    background: bool = False
    grammar_optional: bool = False


class Token(NamedTuple):
    """A token of a Write that asked for `logprobs`. Its piece may be a part of a character. `top`: the likeliest
    tokens in its place, each as (piece, log-probability), likeliest first. Log-probabilities are finite: where the
    model gives a token nothing, -9999.0 stands for it."""

    piece: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


class Text(NamedTuple):
    """A piece of a Write's text as it comes, whole characters only, and the tokens it was made of when the Write asked
    for `logprobs` (frames carry a piece as a list of numbers). The stop's own tokens are told with the last piece."""

    name: str
    text: str
    tokens: tuple[Token, ...] = ()


class Field(NamedTuple):
    """A named part of the answer, complete. `probability` is the model's own for this option among all of its Pick
    (None where the backend cannot tell, and for a Write); `mass` is the share of the model's mass that all options had
    together: little means that the model would rather have said something else. `cut`: a Write hit max_tokens."""

    name: str
    value: str
    probability: float | None = None
    mass: float | None = None
    cut: bool = False


class Usage(NamedTuple):
    """What an answer cost; the last thing a generation yields. `finish` is 'length' when it was cut."""

    prompt_tokens: int
    cached_tokens: int  # of the prompt, already evaluated
    completion_tokens: int
    first_token_ms: float
    elapsed_ms: float
    finish: Literal["stop", "length"]


CALLED_OFF = "called_off"  # the code of work that gave way to somebody who waits; it is no failure


class EngineError(Exception):
    """A model cannot answer. `retry` tells whether a fresh attempt may succeed (a worker died), or not (bad input);
    `retry_after` in how many seconds, where that is known."""

    def __init__(
        self, code: str, message: str, *, hint: str | None = None, retry: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code  # model_missing, model_broken, bad_catalogue, too_long, no_memory, worker_lost, worker_hung …
        self.message = message
        self.hint = hint
        self.retry = retry
        self.retry_after = retry_after


class Engine(Protocol):
    """Runs models by name. Every method that reaches a worker may raise EngineError."""

    def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        """The answer's parts as they come, then one Usage. Closing it (aclose, or the task's cancellation) stops the
        work at the next token, and within a long prompt at once."""

    def parallel(self, model: str) -> int:
        """How many requests a job should keep under way at once, so that they are decoded together."""

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

    async def warm(self, model: str, messages: Sequence[Message]) -> None:
        """Evaluate what requests will share, ahead of them, in the background. Loads the model when there is room."""

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """A vector a text, of length 1."""

    async def close(self) -> None:
        """End all workers."""
