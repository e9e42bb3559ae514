"""An engine without a model: it plays programs through the real contract, by a script or by a seeded dice, and so
provokes answers that models give rarely."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

from maw import api
from maw_remote.engine.interface import EngineError, Field, Message, Request, Text, Usage
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Write

NAME = "played"
# What to answer: values by the names of fields; what is not said is the first option, and an empty text.
Answer = Mapping[str, str]
Script = Callable[[Request], Answer | EngineError]
TEXTS = (
    "", " ", " a", " \t ", " When x is 0.", " <|im_end|>", " none", " - Line: 1", " \x1b[31mred\x07",
    " 🦊\u202e\u2028x", " Severity: critical", ' "}]}\\', "x" * 900, " é" * 40,
)  # fmt: skip


def nothing(_: Request) -> Answer:
    return {}


class Player:
    """`script` gives each request's answer; with `seed` the dice does instead. A token is a word."""

    def __init__(
        self, script: Script = nothing, *, seed: int | None = None, context: int = 4096, parallel: int = 1,
        probabilities: bool = True,
    ) -> None:  # fmt: skip
        self.script = script
        self.asked: list[Request] = []
        self.most = 0  # requests that were under way at once
        self.left = 0  # how many of them were called off
        self._under_way = 0
        self._context = context
        self._parallel = parallel
        self._probabilities = probabilities
        self._dice = None if seed is None else random.Random(seed)

    async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        self.asked.append(request)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        ended = False
        try:
            answer = self.script(request)
            if isinstance(answer, EngineError):
                raise answer
            for part in self._play(request.program, answer, {}):
                await asyncio.sleep(0)
                yield part
            yield Usage(100, 40, 10, 1.0, 2.0, "stop")
            ended = True
        finally:
            self._under_way -= 1
            self.left += not ended

    def _play(self, program: Program, answer: Answer, took: dict[str, str]) -> Iterator[Text | Field]:
        for step in program:
            match step:
                case Pick():
                    option, field = self._pick(step, answer, took)
                    took[step.name] = option.value
                    yield field
                    yield from self._play(option.then, answer, took)
                case Write():
                    text = self._dice.choice(TEXTS) if self._dice else answer.get(step.name, "")
                    cut = len(text.split()) > step.max_tokens or (self._dice is not None and self._dice.random() < 0.1)
                    if text:
                        yield Text(step.name, text)
                    yield Field(step.name, text, cut=cut or answer.get(step.name + ":cut") is not None)
                case Score():
                    yield Field(step.name, step.text, self._probability())
                case Say():
                    pass

    def _pick(self, step: Pick, answer: Answer, took: Mapping[str, str]) -> tuple[Option, Field]:
        texts = [option.text for option in step.options]
        assert not any(one != other and other.startswith(one) for one in texts for other in texts), step
        assert len(set(texts)) == len(texts) and len({option.value for option in step.options}) == len(texts), step
        left = [option for option in step.options if option.value not in {took[name] for name in step.unlike}]
        assert left, step
        if self._dice:
            option = self._dice.choice(left)
        else:
            option = next((option for option in left if option.value == answer.get(step.name)), left[0])
        return option, Field(step.name, option.value, self._probability(), self._probability())

    def _probability(self) -> float | None:
        if not self._probabilities:
            return None
        return self._dice.random() if self._dice else 0.75

    def parallel(self, model: str) -> int:
        return self._parallel

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    async def context(self, model: str) -> int:
        return self._context

    def identity(self, model: str) -> str:
        return "played"

    async def load(self, model: str) -> None:
        raise AssertionError("nobody asked for it")

    async def unload(self, model: str) -> None:
        raise AssertionError("nobody asked for it")

    async def warm(self, model: str, messages: Sequence[Message]) -> None:
        raise AssertionError("nobody asked for it")

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        raise AssertionError("nobody asked for it")

    def working(self) -> bool:
        return False

    def models(self) -> list[api.Model]:
        return [api.Model(name=NAME, state="loaded")]

    async def close(self) -> None:
        return
