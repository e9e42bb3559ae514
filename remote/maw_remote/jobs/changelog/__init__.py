"""The job `changelog`: commits in; what users notice of them, by sections, out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs import reading
from maw_remote.jobs.base import Base
from maw_remote.jobs.changelog import prompting, shape
from maw_remote.jobs.changelog.payload import KEYS, Payload, parse
from maw_remote.jobs.changelog.writing import Writing
from maw_remote.jobs.interface import Emit, Json

VERSION = 1  # of what recipe() does not see: the code that shows commits and tidies answers


class ChangelogJob(Base):
    """Implements jobs.interface.Job."""

    ROLE = "manager"
    KEYS = KEYS

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        parts = [str(VERSION), str(self._unit_tokens), repr(shape.entry(None)), repr(shape.same(2))]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._made_of(*parts)

    def check(self, payload: Json) -> None:
        parse(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning(Payload([], [], "", reading.project(payload), "", False))

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        return {**await Writing(parsed, model, self._unit_tokens, engine, emit).run(), "profile": profile}
