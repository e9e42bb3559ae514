"""The job `message`: a change in, commit messages out, in the form that the repository's own have."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from maw.config.load import Config
from maw.messages.profile import CONVENTIONAL, Profile
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs.base import Base
from maw_remote.jobs.digest import SUMMARY
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.message import prompting, shape
from maw_remote.jobs.message.payload import KEYS, learned, parse
from maw_remote.jobs.message.writing import TEMPERATURE, Writing

VERSION = 1  # of what recipe() does not see: the code that shows changes and tidies answers
_SOME = Profile(form=CONVENTIONAL, types=("fix",), scopes=("a",), scoped=0.5, body=0.5, mood="imperative")


class MessageJob(Base):
    """Implements jobs.interface.Job."""

    ROLE = "manager"
    KEYS = KEYS

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        parts = [
            str(VERSION),
            str(self._unit_tokens),
            str(TEMPERATURE),
            repr(shape.build(_SOME, "")),
            repr(SUMMARY),
        ]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._made_of(*parts)

    def check(self, payload: Json) -> None:
        parse(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning(learned(payload))

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        return {**await Writing(parsed, model, self._unit_tokens, engine, emit).run(), "profile": profile}
