"""One review on its way: cut, asked about many units at once, put together.

What could not be read or was cut is a failed unit, which makes the review incomplete: it never counts as clean. Nor
does what had no room: a file beyond planning.UNITS_MAX counts as a unit that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from maw.finding import Finding
from maw_remote.engine.interface import Engine
from maw_remote.jobs.interface import BadInput, Emit, Json
from maw_remote.jobs.meter import Meter
from maw_remote.jobs.review import answer, judgement, planning, prompting, shape
from maw_remote.jobs.review.asking import Asking
from maw_remote.jobs.review.cache import Cache
from maw_remote.jobs.review.judgement import Judgement
from maw_remote.jobs.review.payload import Payload
from maw_remote.jobs.review.planning import Plan
from maw_remote.jobs.review.shape import Limits
from maw_remote.jobs.review.units import Unit

UNIT_MIN = 96  # tokens; a smaller unit shows too little to judge
_TEMPLATE_TOKENS = 200  # a unit's frame: the chat template, its path, headings


class Terms(NamedTuple):
    """How a review is done. Nothing that was answered before `since` is used."""

    model: str
    profile: str
    limits: Limits
    unit_tokens: int
    verify: bool
    since: float


class Review:
    """Raises BadInput and EngineError where it cannot be done at all."""

    def __init__(self, payload: Payload, terms: Terms, engine: Engine, cache: Cache, emit: Emit) -> None:
        self._payload, self._terms = payload, terms
        self._engine, self._cache, self._emit = engine, cache, emit
        self._meter = Meter()
        self._asking = Asking(
            engine, terms.model, emit, self._meter, payload=payload, limits=terms.limits, verify=terms.verify
        )
        self._units: list[Unit] = []
        self._known: dict[str, Judgement] = {}  # by a unit's id
        self._came: dict[str, Judgement] = {}  # by a unit's id, in the order they ended

    async def run(self) -> Json:
        files = await planning.files(self._payload)
        plan = await self._cut(files.reviewed)
        self._units = list({unit.id: unit for unit in plan.units}.values())  # a patch may say the same thing twice
        self._known = await self._remembered()
        told = [entry._asdict() for entry in (*files.skipped, *plan.left)]
        await self._emit("plan", {"units": len(self._units), "reused": len(self._known), "skipped": told})
        await self._judge_all()
        return self._result(told, len(plan.left))

    async def _cut(self, files: list[planning.Listed]) -> Plan:
        if not files:
            return Plan([], [])  # nothing to ask, so no model is loaded
        model = self._terms.model
        if not any(found.name == model and found.state == "loaded" for found in self._engine.models()):
            await self._emit("loading", {"model": model})
        count = partial(self._engine.count, model)
        return await planning.cut(self._payload.diff, files, await self._budget(files), count)

    async def _budget(self, files: list[planning.Listed]) -> int:
        """Tokens a unit may have, so that it fits beside what comes before it and the answer."""
        instructions = await planning.instructions(files, self._payload)
        longest = max(await self._engine.count(self._terms.model, instructions))
        context = await self._engine.context(self._terms.model)
        room = context - longest - shape.longest(self._terms.limits) - _TEMPLATE_TOKENS
        if room < UNIT_MIN:
            raise BadInput(
                f"the review rules leave no room: with instructions and rules of {longest} tokens, a context of "
                f"{context} is too short; shorten the rules or raise runner.context on the node"
            )
        return max(min(self._terms.unit_tokens, room), UNIT_MIN)

    async def _remembered(self) -> dict[str, Judgement]:
        """What is known of units that were judged before, by their ids."""
        keys = {unit.id: self._key(unit) for unit in self._units}
        bodies = await asyncio.to_thread(self._cache.known, list(keys.values()), self._terms.since)
        read = {unit.id: judgement.read(bodies.get(keys[unit.id], b""), unit) for unit in self._units}
        return {name: known for name, known in read.items() if known is not None}

    async def _judge_all(self) -> None:
        """All units: first what is known, then as many at once as the engine takes."""
        for unit in self._units:
            if unit.id in self._known:
                await self._done(unit, self._known[unit.id], reused=True)
        rest = self._together(unit for unit in self._units if unit.id not in self._known)
        at_once = max(min(self._engine.parallel(self._terms.model), len(rest)), 1)
        queue = iter(rest)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._work(queue))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # each of them ends the review, the others were cancelled

    def _together(self, units: Iterator[Unit]) -> list[Unit]:
        """Units with the same instructions next to each other: those are evaluated once."""
        groups: dict[str, list[Unit]] = {}
        for unit in units:
            groups.setdefault(prompting.system(unit.path, self._payload.rules), []).append(unit)
        return [unit for group in groups.values() for unit in group]

    async def _work(self, queue: Iterator[Unit]) -> None:
        for unit in queue:
            await self._emit("unit", {**self._told(unit), "state": "started", "done": len(self._came)})
            try:
                judged = await self._asking.judge(unit)
            except answer.BadAnswer as exc:
                await self._ended(unit, Judgement(exc.found, [], None, whole=False), reason=str(exc))
                continue
            body = judgement.write(judged.judgement, unit)
            await asyncio.to_thread(self._cache.keep, self._key(unit), body)
            await self._done(unit, judged.judgement, tokens=judged.tokens)

    async def _done(self, unit: Unit, came: Judgement, **more: int | bool) -> None:
        await self._ended(unit, came, probability=came.chance, **more)

    async def _ended(self, unit: Unit, came: Judgement, **more: str | float | bool | None) -> None:
        for kind, findings in (("finding", came.findings), ("rejected", came.rejected)):
            for finding in findings:
                await self._emit(kind, {"finding": finding.to_json()})
        self._came[unit.id] = came
        state = "done" if came.whole else "failed"
        told = {**self._told(unit), "state": state, "done": len(self._came), **more}
        await self._emit("unit", {**told, "stats": self._meter.stats()})

    def _told(self, unit: Unit) -> Json:
        return {"unit": unit.id, "path": unit.path, "total": len(self._units)}

    def _key(self, unit: Unit) -> str:
        said = prompting.system(unit.path, self._payload.rules) + prompting.note(unit, self._payload.redacted)
        return judgement.key(unit, said, self._terms.profile)

    def _result(self, skipped: list[Json], left: int) -> Json:
        came = [(unit, self._came[unit.id]) for unit in self._units]
        done = sum(found.whole for _, found in came)
        total = len(came) + left
        return {
            "v": 1,
            "findings": _in_order(self._units, [finding for _, found in came for finding in found.findings]),
            "rejected": _in_order(self._units, [finding for _, found in came for finding in found.rejected]),
            "skipped": skipped,
            "units": {"total": total, "done": done, "failed": total - done, "reused": len(self._known)},
            "judged": [{"unit": unit.id, "path": unit.path, "probability": found.chance} for unit, found in came],
            "model": self._terms.model,
            "stats": self._meter.stats(),
        }


def _in_order(units: Sequence[Unit], findings: list[Finding]) -> list[Json]:
    """By file, as the change has them, and line."""
    files = {path: at for at, path in enumerate(dict.fromkeys(unit.path for unit in units))}
    ordered = sorted(findings, key=lambda finding: (files[finding.path], finding.line, finding.id))
    return [finding.to_json() for finding in ordered]
