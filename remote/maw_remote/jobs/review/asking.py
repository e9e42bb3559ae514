"""Ask the model about one unit, and then about each finding whether it holds."""

from __future__ import annotations

from typing import NamedTuple

from maw.finding import Finding
from maw_remote.engine.interface import Engine, EngineError, Field, Message, Request, Text
from maw_remote.engine.program import Program
from maw_remote.jobs.asking import listen
from maw_remote.jobs.interface import Emit
from maw_remote.jobs.meter import Meter
from maw_remote.jobs.review import answer, prompting, shape, verification
from maw_remote.jobs.review.judgement import Judgement
from maw_remote.jobs.review.payload import Payload
from maw_remote.jobs.review.shape import Limits
from maw_remote.jobs.review.units import Unit


class Judged(NamedTuple):
    """`tokens`: how many the model answered."""

    judgement: Judgement
    tokens: int


class Asking:
    """Asks `model`, tells its text as events and its costs to `meter`."""

    def __init__(
        self, engine: Engine, model: str, emit: Emit, meter: Meter, *,
        payload: Payload, limits: Limits, verify: bool,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._model = model
        self._emit = emit
        self._meter = meter
        self._payload = payload
        self._limits = limits
        self._verify = verify

    async def judge(self, unit: Unit) -> Judged:
        """Raises answer.BadAnswer for what cannot be judged, and EngineError where the model cannot answer at all."""
        program = shape.build((line.new or 0 for line in unit.judged()), self._limits)
        fields, tokens = await self._ask(
            prompting.messages(unit, self._payload.rules, redacted=self._payload.redacted), program, unit
        )
        said = answer.read(fields, unit, self._limits)
        judgement = Judgement([], [], said.chance)
        for finding in said.findings:
            checked, more = await self._check(unit, finding) if self._verify else (finding, 0)
            tokens += more
            (judgement.rejected if checked.verified is False else judgement.findings).append(checked)
        return Judged(judgement, tokens)

    async def _check(self, unit: Unit, finding: Finding) -> tuple[Finding, int]:
        """The finding after the second look. One that says nothing, or that got no answer, stays unverified."""
        if not verification.claim(finding):
            return finding, 0
        asked = self._payload
        messages = verification.messages(unit, finding, asked.rules, redacted=asked.redacted)
        try:
            fields, tokens = await self._ask(messages, verification.PROGRAM, None)
        except answer.BadAnswer:
            return finding, 0
        said = fields.get(verification.HOLDS)
        return (finding if said is None else verification.verdict(finding, said)), tokens

    async def _ask(self, messages: list[Message], program: Program, unit: Unit | None) -> tuple[dict[str, Field], int]:
        """The answer's fields and its tokens; its text is told for `unit`."""
        fields: dict[str, Field] = {}
        request = Request(messages, program, shared=len(messages) - 1)

        async def tell(part: Text | Field) -> None:
            if isinstance(part, Field):
                fields[part.name] = part
            if unit is not None and (text := _heard(part)):
                await self._emit("text", {"unit": unit.id, "text": text})

        try:
            tokens = await listen(self._engine, self._model, request, self._meter, tell)
        except EngineError as exc:
            if exc.code not in ("too_long", "bad_answer"):
                raise
            raise answer.BadAnswer(exc.message, answer.whole(fields, unit, self._limits) if unit else ()) from exc
        if tokens is None:
            raise answer.BadAnswer("the model gave no end of its answer")
        return fields, tokens


def _heard(part: Text | Field) -> str:
    """What who listens to an answer hears of a part: the texts, each on a line, and which line they are about."""
    if isinstance(part, Text):
        return part.text
    name = part.name.partition(".")[2]
    return {"line": f"line {part.value}:", **dict.fromkeys(shape.TEXTS, "\n")}.get(name, "")
