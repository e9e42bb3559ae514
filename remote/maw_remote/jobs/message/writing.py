"""One message on its way: the change shown whole where it fits, else summarised file by file, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing

from maw import change
from maw.change import FileChange
from maw_remote.engine.interface import Engine, EngineError, Field, Message, Request, Text, Usage
from maw_remote.engine.program import Program, max_tokens
from maw_remote.jobs.interface import BadInput, Emit, Json
from maw_remote.jobs.message import prompting, shape
from maw_remote.jobs.message.payload import Payload
from maw_remote.jobs.review import skip, units
from maw_remote.jobs.review.meter import Meter
from maw_remote.jobs.review.units import Piece

TEMPERATURE = 0.8  # of all suggestions but the first
SUMMARISED = 24  # files that are summarised, those that changed most; the others are named
NAMED = 40  # files that are named
WHOLE = 2  # times runner.unit_tokens: a larger change is summarised
ROOM_MIN = 96  # tokens; with fewer, nothing can be shown
FILE_MAX = 200_000  # bytes of a file's change; a larger one is only named
_TEMPLATE_TOKENS = 100


class Writing:
    """Raises BadInput and EngineError where it cannot be done at all."""

    def __init__(self, payload: Payload, model: str, unit_tokens: int, engine: Engine, emit: Emit) -> None:
        self._asked, self._model, self._unit_tokens = payload, model, unit_tokens
        self._engine, self._emit = engine, emit
        self._meter = Meter()

    async def run(self) -> Json:
        files = await asyncio.to_thread(self._files)
        if not files and not self._asked.skipped:
            raise BadInput("the change is empty")
        if not any(found.name == self._model and found.state == "loaded" for found in self._engine.models()):
            await self._emit("loading", {"model": self._model})
        messages, summarised = await self._messages(files)
        found = await self._written(messages)
        return {
            "v": 1,
            "messages": found,
            "summarised": summarised,
            "model": self._model,
            "stats": self._meter.stats(),
        }

    def _files(self) -> list[FileChange]:
        try:
            return change.parse(self._asked.diff)
        except change.BadPatch as exc:
            raise BadInput(f"the change is not a patch: {exc}") from exc

    async def _messages(self, files: list[FileChange]) -> tuple[list[Message], int]:
        """The chat that asks for the message, and how many files had to be summarised for it."""
        shown = [file for file in files if _is_shown(file)]
        named = [prompting.headline(file) for file in files if not _is_shown(file)] + self._asked.skipped
        whole = "\n".join([*(prompting.code(file, _pieces(file)) for file in shown), *named[:NAMED]])
        messages = prompting.change(self._asked, whole)
        (frame, code) = await self._count(["".join(m.text for m in prompting.change(self._asked, "")), whole])
        room = await self._engine.context(self._model) - frame - _TEMPLATE_TOKENS - self._answer_tokens()
        if room < ROOM_MIN:
            raise BadInput("examples and draft leave no room for the change; raise runner.context on the node")
        if code <= min(room, WHOLE * self._unit_tokens):
            await self._emit("plan", {"units": 0, "skipped": []})
            return messages, 0
        summaries = await self._summaries(shown, min(room, self._unit_tokens))
        lines = await self._fitted([*summaries, *(f"- {name}" for name in named)], room)
        return prompting.parts(self._asked, lines), len(summaries)

    def _answer_tokens(self) -> int:
        return max_tokens(shape.build(self._asked.profile, self._asked.ticket))

    async def _summaries(self, files: list[FileChange], budget: int) -> list[str]:
        """A line for each file, in the change's order; those that changed most are summarised, many at once."""
        largest = sorted(files, key=lambda file: -sum(len(hunk.lines) for hunk in file.hunks))[:SUMMARISED]
        await self._emit("plan", {"units": len(largest), "skipped": []})
        said: dict[int, str] = {}
        queue = iter(largest)
        at_once = min(self._engine.parallel(self._model), len(largest))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._summarise(queue, budget, said, len(largest)))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the others were cancelled
        return [f"- {prompting.headline(file)}{said.get(id(file), '')}" for file in files]

    async def _summarise(self, queue: Iterator[FileChange], budget: int, said: dict[int, str], total: int) -> None:
        for file in queue:
            cut = await self._start_of(file, budget)
            fields = await self._ask(prompting.summary(self._asked, file, cut), shape.SUMMARY)
            text = units.shown(fields.get("summary", "").strip().encode("utf-8", "replace"), 160)
            said[id(file)] = f": {text}" if text else ""
            told = {"unit": file.path, "path": file.path, "state": "done", "done": len(said), "total": total}
            await self._emit("unit", told)

    async def _start_of(self, file: FileChange, budget: int) -> list[Piece]:
        """As much of a file's change as fits, from its start."""
        pieces = _pieces(file)
        costs = await self._count([units.shown(line.text) for piece in pieces for line in piece.lines])
        room, kept, at = budget, [], 0
        for piece in pieces:
            lines = []
            for line in piece.lines:
                room -= costs[at] + 2
                at += 1
                if room > 0:
                    lines.append(line)
            kept += [piece._replace(lines=lines)] if lines else []
        return kept

    async def _fitted(self, lines: list[str], room: int) -> list[str]:
        """As many lines as there is room for."""
        kept: list[str] = []
        for line, cost in zip(lines, await self._count(lines), strict=True):
            room -= cost + 1
            if room < 0:
                return [*kept, f"- and {len(lines) - len(kept)} more files"]
            kept.append(line)
        return kept

    async def _written(self, messages: list[Message]) -> list[str]:
        """Different messages, as many as were asked for: the likeliest first, then others by the dice."""
        program = shape.build(self._asked.profile, self._asked.ticket)
        asked = [self._one(messages, program, seed) for seed in range(self._asked.wanted)]
        found = [text for text in await asyncio.gather(*asked) if text]
        return list(dict.fromkeys(found))

    async def _one(self, messages: list[Message], program: Program, seed: int) -> str:
        fields = await self._ask(messages, program, temperature=TEMPERATURE if seed else 0.0, seed=seed, told=not seed)
        return shape.assemble(fields, self._asked.profile, self._asked.ticket)

    async def _ask(
        self, messages: list[Message], program: Program, *, temperature: float = 0.0, seed: int = 0, told: bool = False
    ) -> dict[str, str]:
        """The answer's fields; its text is told as it comes."""
        fields: dict[str, str] = {}
        request = Request(messages, program, shared=1, temperature=temperature, seed=seed)
        self._meter.asked()
        try:
            async with aclosing(self._engine.run(self._model, request)) as parts:
                async for part in parts:
                    if isinstance(part, Usage):
                        self._meter.used(part)
                        continue
                    self._meter.spoke()
                    if isinstance(part, Field):
                        fields[part.name] = part.value
                    if told and (text := _heard(part)):
                        await self._emit("text", {"text": text})
        except EngineError as exc:
            if exc.code != "bad_answer":
                raise
        return fields

    async def _count(self, texts: Sequence[str]) -> list[int]:
        return list(await self._engine.count(self._model, texts))


def _heard(part: Text | Field) -> str:
    """What who listens hears: the chosen words, and the texts as they grow."""
    if isinstance(part, Text):
        return part.text
    return f"{part.value} " if part.name in ("type", "scope", "area", "verb") else ""


def _is_shown(file: FileChange) -> bool:
    """Whether a file's lines tell what the change is about; of others the name does."""
    size = sum(len(line.text) for hunk in file.hunks for line in hunk.lines)
    return bool(file.hunks) and file.status != "deleted" and size <= FILE_MAX and skip.by_name(file.path) is None


def _pieces(file: FileChange) -> list[Piece]:
    return [Piece(units.shown(hunk.section, 80), hunk.lines) for hunk in file.hunks]
