"""The job `generate`: files and a task in, edits out (or prose, where something is to be explained)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs import reading
from maw_remote.jobs.base import Base
from maw_remote.jobs.generate import prompting
from maw_remote.jobs.generate.payload import INSTRUCTION_MAX, KEYS, parse
from maw_remote.jobs.generate.writing import TEMPERATURE, Writing
from maw_remote.jobs.interface import Emit, Json

VERSION = 1  # of what recipe() does not see: the code that shows files, and the grammar


class GenerateJob(Base):
    """Implements jobs.interface.Job."""

    ROLE = "generator"
    KEYS = KEYS

    def configure(self, config: Config) -> None:
        parts = [str(VERSION), str(TEMPERATURE), *(prompting.load(name) for name in prompting.NAMES)]
        self._made_of(*parts)

    def check(self, payload: Json) -> None:
        parse(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning("code", reading.project(payload, INSTRUCTION_MAX))

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        return {**await Writing(parsed, model, engine, emit).run(), "profile": profile}
