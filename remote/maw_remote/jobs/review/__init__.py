"""The job `review`: a change in, findings out. The gate that makes a verdict of them is the client's.

Units are asked one after the other. What could not be read or was cut is a failed unit, which makes the review
incomplete: it never counts as clean.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from functools import partial
from typing import NamedTuple

from maw import change
from maw.config.load import Config
from maw.finding import Finding
from maw_remote.engine.interface import Engine, EngineError, Generation, Usage
from maw_remote.jobs.interface import BadInput, Emit, Json
from maw_remote.jobs.review import answer, grammar, planning, prompting
from maw_remote.jobs.review.grammar import Limits
from maw_remote.jobs.review.payload import Payload, fingerprint, parse, title
from maw_remote.jobs.review.planning import Plan
from maw_remote.jobs.review.units import Unit

VERSION = 1  # of what recipe() does not see: the code that cuts units and reads answers
LIMITS = Limits()
UNIT_MIN = 96  # tokens; a smaller unit shows too little to judge
_TEMPLATE_TOKENS = 160  # a unit's frame: the chat template, its path, headings


class ReviewJob:
    """Implements jobs.interface.Job."""

    ROLE = "manager"

    def __init__(self, config: Config) -> None:
        self.configure(config)

    def configure(self, config: Config) -> None:
        self._unit_tokens = int(config.values["runner.unit_tokens"])
        texts = (prompting.load(name) for name in prompting.NAMES)
        parts = [str(VERSION), str(planning.UNITS_MAX), str(self._unit_tokens), repr(LIMITS), *texts]
        self._recipe = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()

    def check(self, payload: Json) -> None:
        parse(payload)

    def fingerprint(self, payload: Json) -> bytes:
        return fingerprint(payload)

    def title(self, payload: Json) -> str:
        return title(payload)

    def recipe(self) -> bytes:
        return self._recipe

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        parsed = await asyncio.to_thread(parse, payload)
        review = Review(parsed, model, engine, emit, limits=LIMITS, unit_tokens=self._unit_tokens)
        return {**await review.run(), "profile": profile}


class Stats(NamedTuple):
    """Sums over all units; milliseconds since the review began."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: float = 0.0
    elapsed_ms: float = 0.0


class Review:
    """One review on its way."""

    def __init__(
        self, payload: Payload, model: str, engine: Engine, emit: Emit, *, limits: Limits, unit_tokens: int
    ) -> None:
        self._payload = payload
        self._model = model
        self._engine = engine
        self._emit = emit
        self._limits = limits
        self._unit_tokens = unit_tokens
        self._findings: list[Finding] = []
        self._began = time.monotonic()
        self._stats = Stats()

    async def run(self) -> Json:
        """All units, and what came of them. Raises BadInput and EngineError."""
        files = await planning.files(self._payload)
        planned, left = await self._cut(files.reviewed)
        told = [entry._asdict() for entry in (*files.skipped, *left)]
        await self._emit("plan", {"units": len(planned), "skipped": told})
        done = failed = 0
        for unit in planned:
            reason = await self._review(unit, done + failed, len(planned))
            done, failed = done + (reason is None), failed + (reason is not None)
        return {
            "v": 1,
            "findings": [finding.to_json() for finding in self._findings],
            "skipped": told,
            "units": {"total": len(planned), "done": done, "failed": failed},
            "model": self._model,
            "stats": self._stats._replace(elapsed_ms=self._elapsed())._asdict(),
        }

    async def _cut(self, files: list[change.FileChange]) -> Plan:
        if not files:
            return Plan([], [])  # nothing to ask, so no model is loaded
        if not any(model.name == self._model and model.state == "loaded" for model in self._engine.models()):
            await self._emit("loading", {"model": self._model})
        return await planning.cut(files, await self._budget(files), partial(self._engine.count, self._model))

    async def _budget(self, files: list[change.FileChange]) -> int:
        """Tokens a unit may have, so that it fits beside the system message and the answer."""
        systems = await planning.systems(files, self._payload)
        longest = max(await self._engine.count(self._model, systems))
        context = await self._engine.context(self._model)
        room = context - longest - grammar.max_tokens(self._limits) - _TEMPLATE_TOKENS
        if room < UNIT_MIN:
            raise BadInput(
                f"the review rules leave no room: with instructions and rules of {longest} tokens, a context of "
                f"{context} is too short; shorten the rules or raise runner.context on the node"
            )
        return max(min(self._unit_tokens, room), UNIT_MIN)

    async def _review(self, unit: Unit, at: int, total: int) -> str | None:
        """Ask about one unit and tell what came; the reason when it failed."""
        told: Json = {"unit": unit.id, "path": unit.path, "total": total}
        await self._emit("unit", {**told, "state": "started", "done": at})
        try:
            text, usage = await self._ask(unit)
            found = self._read(text, usage, unit)
        except answer.BadAnswer as exc:
            await self._emit("unit", {**told, "state": "failed", "done": at + 1, "reason": str(exc)})
            return str(exc)
        for finding in found:
            await self._emit("finding", {"finding": finding.to_json()})
        self._findings += found
        await self._emit("unit", {**told, "state": "done", "done": at + 1, "tokens": usage.completion_tokens})
        return None

    async def _ask(self, unit: Unit) -> tuple[str, Usage]:
        request = Generation(
            messages=prompting.messages(unit, self._payload.rules, redacted=self._payload.redacted),
            max_tokens=grammar.max_tokens(self._limits),
            grammar=grammar.build(unit, self._limits),
        )
        pieces: list[str] = []
        try:
            async for piece in self._engine.generate(self._model, request):
                if isinstance(piece, Usage):
                    return "".join(pieces), self._counted(piece)
                if not self._stats.first_token_ms:
                    self._stats = self._stats._replace(first_token_ms=self._elapsed())
                pieces.append(piece)
                await self._emit("text", {"unit": unit.id, "text": piece})
        except EngineError as exc:
            if exc.code != "too_long":
                raise
            raise answer.BadAnswer(exc.message) from exc
        raise answer.BadAnswer("the model gave no end of its answer")

    def _read(self, text: str, usage: Usage, unit: Unit) -> list[Finding]:
        if usage.finish == "length":
            raise answer.BadAnswer(f"the answer was cut after {usage.completion_tokens} tokens")
        return answer.parse(text, unit, self._limits)

    def _counted(self, usage: Usage) -> Usage:
        self._stats = self._stats._replace(
            prompt_tokens=self._stats.prompt_tokens + usage.prompt_tokens,
            cached_tokens=self._stats.cached_tokens + usage.cached_tokens,
            completion_tokens=self._stats.completion_tokens + usage.completion_tokens,
        )
        return usage

    def _elapsed(self) -> float:
        return round((time.monotonic() - self._began) * 1000, 1)
