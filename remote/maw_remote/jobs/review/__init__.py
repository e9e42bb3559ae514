"""The job `review`: a change in, findings out. The gate that makes a verdict of them is the client's."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence

from maw import paths
from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.review import planning, prompting, shape, verification
from maw_remote.jobs.review.cache import Cache
from maw_remote.jobs.review.payload import fingerprint, parse, rules, title
from maw_remote.jobs.review.review import Review, Terms
from maw_remote.jobs.review.shape import Limits

VERSION = 2  # of what recipe() does not see: the code that cuts units and reads answers
LIMITS = Limits()


class ReviewJob:
    """Implements jobs.interface.Job."""

    ROLE = "manager"

    def __init__(self, config: Config) -> None:
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        self._verify: bool | tuple[str, ...] = config.values["review.verify"]
        self._retention: float = config.values["runner.retention"]
        parts = [str(VERSION), str(planning.UNITS_MAX), str(self._unit_tokens), repr(self._verify)]
        parts += [repr(shape.build(range(LIMITS.findings), LIMITS)), repr(verification.PROGRAM)]
        parts += [prompting.load(name) for name in prompting.NAMES]
        self._recipe = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()

    def check(self, payload: Json) -> None:
        parse(payload)

    def fingerprint(self, payload: Json) -> bytes:
        return fingerprint(payload)

    def warm(self, payload: Json) -> Sequence[Message]:
        # Which files will change is not known, so only the rules for all of them are.
        return prompting.shared("", [rule for rule in rules(payload) if rule.glob == "**"])

    def title(self, payload: Json) -> str:
        return title(payload)

    def recipe(self) -> bytes:
        return self._recipe

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
