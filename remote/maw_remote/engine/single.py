"""Between the old way of asking (generate) and the new one (run), for a single text. Goes away with the old one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from maw_remote.engine.interface import Generation, Request, Text, Usage
from maw_remote.engine.openai.backend import ServerEngine
from maw_remote.engine.program import Write


async def generate(engine: ServerEngine, model: str, asked: Generation) -> AsyncGenerator[str | Usage, None]:
    """A text, asked of an engine that runs programs. Raises EngineError."""
    step = Write("text", asked.max_tokens, tuple(asked.stop), asked.grammar)
    request = Request(asked.messages, (step,), temperature=asked.temperature, top_p=asked.top_p, seed=asked.seed)
    async with aclosing(engine.run(model, request)) as parts:
        async for part in parts:
            if isinstance(part, Text):
                yield part.text
            elif isinstance(part, Usage):
                yield part
