"""Ask a model for answers in a shape, and sum up what they cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from maw_remote.engine.interface import Engine, EngineError, Field, Message, Request, Text, Usage
from maw_remote.engine.program import Program
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.meter import Meter

# What who listens to an answer hears of a part of it.
Heard = Callable[[Text | Field], str]


async def listen(
    engine: Engine, model: str, request: Request, meter: Meter, told: Callable[[Text | Field], Awaitable[None]]
) -> int | None:
    """Hand the parts of an answer on to `told` as they come, and its costs to `meter`; how many tokens it took, None
    where its end was not told. Raises EngineError, and what `told` raises, which ends the answer."""
    tokens = None
    meter.asked()
    async with aclosing(engine.run(model, request)) as parts:
        async for part in parts:
            if isinstance(part, Usage):
                meter.used(part)
                tokens = part.completion_tokens
            else:
                meter.spoke()
                await told(part)
    return tokens


class Asking:
    """Of one task. Raises EngineError where the model cannot answer at all."""

    def __init__(self, engine: Engine, model: str, emit: Emit) -> None:
        self._engine, self._model, self._emit = engine, model, emit
        self._meter = Meter()

    async def begin(self) -> None:
        """Tell that the model has to be loaded first, where it has."""
        if not any(found.name == self._model and found.state == "loaded" for found in self._engine.models()):
            await self._emit("loading", {"model": self._model})

    async def ask(
        self, messages: Sequence[Message], program: Program, *, temperature: float = 0.0, seed: int = 0,
        heard: Heard | None = None, grammar_optional: bool = False,
    ) -> dict[str, Field]:  # fmt: skip
        """The answer's fields, as many as there are where it did not keep to its shape; its text is told as it comes,
        by `heard`, which ends the answer by what it raises."""
        fields: dict[str, Field] = {}
        request = Request(
            messages, program, shared=1, temperature=temperature, seed=seed, grammar_optional=grammar_optional
        )

        async def tell(part: Text | Field) -> None:
            if isinstance(part, Field):
                fields[part.name] = part
            if heard is not None and (text := heard(part)):
                await self._emit("text", {"text": text})

        try:
            await listen(self._engine, self._model, request, self._meter, tell)
        except EngineError as exc:
            if exc.code != "bad_answer":
                raise
        return fields

    async def count(self, texts: Sequence[str]) -> list[int]:
        return list(await self._engine.count(self._model, texts))

    async def context(self) -> int:
        return await self._engine.context(self._model)

    def at_once(self, wanted: int) -> int:
        """How many of so many questions are worth being asked at once."""
        return min(self._engine.parallel(self._model), wanted)

    def stats(self) -> Json:
        return self._meter.stats()
