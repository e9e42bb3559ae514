"""One message on its way: the change fitted to a prompt, and as many answers as were asked for."""

from __future__ import annotations

import asyncio

from maw.change import FileChange
from maw_remote.engine.interface import Engine, Field, Message, Text
from maw_remote.engine.program import Program, max_tokens
from maw_remote.jobs import reading
from maw_remote.jobs.asking import Asking
from maw_remote.jobs.digest import Digest, each
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.message import prompting, shape
from maw_remote.jobs.message.payload import Payload

TEMPERATURE = 0.8  # of all suggestions but the first


class Writing:
    """Raises BadInput and EngineError where it cannot be done at all."""

    def __init__(self, payload: Payload, model: str, unit_tokens: int, engine: Engine, emit: Emit) -> None:
        self._asked, self._model, self._unit_tokens = payload, payload.model or model, unit_tokens
        self._emit = emit
        self._asking = Asking(engine, self._model, emit)
        self._program = shape.build(payload.profile, payload.ticket)

    async def run(self) -> Json:
        files = await asyncio.to_thread(reading.files, self._asked.diff, self._asked.skipped)
        await self._asking.begin()
        messages, summarised = await self._messages(files)
        return {
            "v": 1,
            "messages": await self._written(messages),
            "summarised": summarised,
            "model": self._model,
            "stats": self._asking.stats(),
        }

    async def _messages(self, files: list[FileChange]) -> tuple[list[Message], int]:
        """The chat that asks for the message, and how many files had to be summarised for it."""
        asked = self._asked
        frame = "".join(message.text for message in prompting.change(asked, ""))
        digest = Digest(files, asked.skipped, self._unit_tokens, self._asking, self._emit)
        found = await digest.fitted(
            frame, max_tokens(self._program), lambda file, pieces: prompting.summary(asked, file, pieces)
        )
        if found.parts:
            return prompting.parts(asked, found.parts), found.summarised
        return prompting.change(asked, found.code), 0

    async def _written(self, messages: list[Message]) -> list[str]:
        """Different messages, as many as were asked for: the likeliest first, then others by the dice."""
        found: dict[int, str] = {}

        async def write(seed: int) -> None:
            found[seed] = await self._one(messages, self._program, seed)

        await each(range(self._asked.wanted), write, self._asking)
        return list(dict.fromkeys(found[seed] for seed in sorted(found) if found[seed]))

    async def _one(self, messages: list[Message], program: Program, seed: int) -> str:
        heard = None if seed else _heard
        fields = await self._asking.ask(
            messages, program, temperature=TEMPERATURE if seed else 0.0, seed=seed, heard=heard
        )
        said = {name: field.value for name, field in fields.items()}
        return shape.assemble(said, self._asked.profile, self._asked.ticket)


def _heard(part: Text | Field) -> str:
    """What who listens hears: the chosen words, and the texts as they grow."""
    if isinstance(part, Text):
        return part.text
    return f"{part.value} " if part.name in ("type", "scope", "area", "verb") else ""
