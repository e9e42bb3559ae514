"""The job `message`: a change in, commit messages out, in the form that the repository's own have."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from maw.config.load import Config
from maw.messages.profile import CONVENTIONAL, Profile
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs.digest import SUMMARY
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.message import prompting, shape
from maw_remote.jobs.message.payload import fingerprint, learned, parse, title
from maw_remote.jobs.message.writing import TEMPERATURE, Writing

VERSION = 1  # of what recipe() does not see: the code that shows changes and tidies answers
_SOME = Profile(form=CONVENTIONAL, types=("fix",), scopes=("a",), scoped=0.5, body=0.5, mood="imperative")


class MessageJob:
    """Implements jobs.interface.Job."""

    ROLE = "manager"

    def __init__(self, config: Config) -> None:
        self.configure(config)

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
        self._recipe = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()

    def check(self, payload: Json) -> None:
        parse(payload)

    def fingerprint(self, payload: Json) -> bytes:
        return fingerprint(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        return prompting.beginning(learned(payload))

    def title(self, payload: Json) -> str:
        return title(payload)

    def recipe(self) -> bytes:
        return self._recipe

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        return {**await Writing(parsed, model, self._unit_tokens, engine, emit).run(), "profile": profile}
