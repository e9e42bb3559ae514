"""The job `changelog`: commits in; what users notice of them, by sections, out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs.changelog import prompting, shape
from maw_remote.jobs.changelog.payload import Payload, fingerprint, parse, project, title
from maw_remote.jobs.changelog.writing import Writing
from maw_remote.jobs.interface import Emit, Json

VERSION = 1  # of what recipe() does not see: the code that shows commits and tidies answers


class ChangelogJob:
    """Implements jobs.interface.Job."""

    ROLE = "manager"

    def __init__(self, config: Config) -> None:
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        parts = [str(VERSION), str(self._unit_tokens), repr(shape.entry(None)), repr(shape.same(2))]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._recipe = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()

    def check(self, payload: Json) -> None:
        parse(payload)

    def fingerprint(self, payload: Json) -> bytes:
        return fingerprint(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning(Payload([], [], "", project(payload), "", False))

    def title(self, payload: Json) -> str:
        return title(payload)

    def recipe(self) -> bytes:
        return self._recipe

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        return {**await Writing(parsed, model, self._unit_tokens, engine, emit).run(), "profile": profile}
