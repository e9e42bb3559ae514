"""The job `review`: a change in, findings out. The gate that makes a verdict of them is the client's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from maw import paths
from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs.base import Base
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.review import planning, prompting, shape, verification
from maw_remote.jobs.review.cache import Cache
from maw_remote.jobs.review.payload import KEYS, parse, rules
from maw_remote.jobs.review.review import Review, Terms
from maw_remote.jobs.review.shape import Limits

VERSION = 3  # of what recipe() does not see: the code that skips files, cuts units and reads answers
LIMITS = Limits()


class ReviewJob(Base):
    """Implements jobs.interface.Job."""

    ROLE = "manager"
    KEYS = KEYS

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        self._verify: bool | tuple[str, ...] = config.values["review.verify"]
        self._retention: float = config.values["runner.retention"]
        parts = [str(VERSION), str(planning.UNITS_MAX), str(self._unit_tokens), repr(self._verify)]
        parts += [repr(shape.build(range(LIMITS.findings), LIMITS)), repr(verification.PROGRAM)]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._made_of(*parts)

    def check(self, payload: Json) -> None:
        parse(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        # Which files will change is not known, so only the rules for all of them are.
        return prompting.shared("", [rule for rule in rules(payload) if rule.glob == "**"])

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        verify = self._verify if isinstance(self._verify, bool) else model in self._verify
        terms = Terms(model, profile, LIMITS, self._unit_tokens, verify, since)
        cache = Cache(os.path.join(paths.runner_dir(), "units.db"), age=self._retention)
        try:
            return {**await Review(parsed, terms, engine, cache, emit).run(), "profile": profile}
        finally:
            await asyncio.to_thread(cache.close)
