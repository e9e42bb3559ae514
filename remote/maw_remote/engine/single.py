"""Between the old way of asking (generate) and the new one (run), for a single text. Goes away with the old one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from maw_remote.engine.interface import Engine, EngineError, Field, Generation, Request, Text, Usage
from maw_remote.engine.openai.backend import ServerEngine
from maw_remote.engine.program import Write


async def run(engine: Engine, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
    """A program of one Write, asked of an engine that only generates. Raises EngineError."""
    [step] = request.program if len(request.program) == 1 else [None]
    if not isinstance(step, Write) or not request.messages or step.logprobs is not None:
        raise EngineError("unsupported", "this engine writes single texts only, without log-probabilities")
    generation = Generation(
        request.messages, step.max_tokens, step.grammar, request.temperature, request.top_p, request.seed, step.stop
    )
    texts: list[str] = []
    async with aclosing(engine.generate(model, generation)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Usage):
                yield Field(step.name, "".join(texts), cut=piece.finish == "length")
                yield piece
            else:
                texts.append(piece)
                yield Text(step.name, piece)


async def generate(engine: ServerEngine, model: str, asked: Generation) -> AsyncGenerator[str | Usage, None]:
    """A text, asked of an engine that runs programs. Raises EngineError."""
    step = Write("text", asked.max_tokens, tuple(asked.stop), asked.grammar)
    request = Request(asked.messages, (step,), temperature=asked.temperature, top_p=asked.top_p, seed=asked.seed)
    async with aclosing(engine.run(model, request)) as parts:  # type: ignore[type-var]
        async for part in parts:
            if isinstance(part, Text):
                yield part.text
            elif isinstance(part, Usage):
                yield part


async def embed(model: str, _: Sequence[str]) -> list[list[float]]:
    raise EngineError("unsupported", f"{model} makes no embeddings here yet")
