"""The job `pr`: a branch in; a title, a summary, its risk and how to test it out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from maw.change import FileChange
from maw.config.load import Config
from maw_remote.engine.interface import Engine, Field, Message, Text
from maw_remote.engine.program import max_tokens
from maw_remote.jobs import reading
from maw_remote.jobs.asking import Asking
from maw_remote.jobs.base import Base
from maw_remote.jobs.digest import SUMMARY, Digest, Shown
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.pr import prompting, shape
from maw_remote.jobs.pr.payload import KEYS, Payload, parse

VERSION = 1  # of what recipe() does not see: the code that shows changes and tidies answers


class PrJob(Base):
    """Implements jobs.interface.Job."""

    ROLE = "manager"
    KEYS = KEYS

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        parts = [str(VERSION), str(self._unit_tokens), repr(shape.PROGRAM), repr(SUMMARY)]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._made_of(*parts)

    def check(self, payload: Json) -> None:
        parse(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning(reading.project(payload))

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        asked = await asyncio.to_thread(parse, payload)
        files = await asyncio.to_thread(reading.files, asked.diff, asked.skipped)
        model = asked.model or model
        asking = Asking(engine, model, emit)
        await asking.begin()
        shown = await self._shown(asked, files, asking, emit)
        fields = await asking.ask(prompting.change(asked, shown), shape.PROGRAM, heard=_heard)
        about = {"summarised": shown.summarised, "model": model, "profile": profile, "stats": asking.stats()}
        return {"v": 1, **shape.assemble(fields), **about}

    async def _shown(self, asked: Payload, files: list[FileChange], asking: Asking, emit: Emit) -> Shown:
        frame = "".join(message.text for message in prompting.change(asked, Shown("")))
        digest = Digest(files, asked.skipped, self._unit_tokens, asking, emit)
        return await digest.fitted(
            frame, max_tokens(shape.PROGRAM), lambda file, pieces: prompting.summary(asked, file, pieces)
        )


def _heard(part: Text | Field) -> str:
    """What who listens hears: the texts as they grow."""
    return part.text if isinstance(part, Text) else ""
