"""One generation on its way: what fits into the prompt is shown, and the answer comes back in its form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maw.edits import answer
from maw.edits.answer import Block, Replace
from maw.edits.refusal import Refused
from maw_remote.engine.interface import Engine, EngineError, Field, Message, Text
from maw_remote.engine.program import Program
from maw_remote.jobs.asking import Asking
from maw_remote.jobs.generate import fitting, prompting, shape
from maw_remote.jobs.generate.fitting import Shown
from maw_remote.jobs.generate.payload import PROSE, Before, Payload
from maw_remote.jobs.generate.prompting import Around
from maw_remote.jobs.interface import BadInput, Emit, Json

TEMPERATURE = 0.4  # of all answers but the first
ANSWER_SHARE = 3  # the answer gets a third of the context at most
ROOM_MIN = 64  # tokens for files; with fewer, nothing can be shown
FILES_SHARE = 0.7  # of the room that files get while there is something else to show
BEFORE_SHARE = 0.4  # of the room that what was tried before gets at most
CIRCLES = 12  # times that the same text comes in a row, after which nothing else will
LOOK_EACH = 200  # characters of an answer
_TEMPLATE_TOKENS = 100


class Writing:
    """Raises BadInput and EngineError where it cannot be done at all."""

    def __init__(self, payload: Payload, model: str, engine: Engine, emit: Emit) -> None:
        self._asked, self._model = payload, payload.model or model
        self._asking = Asking(engine, self._model, emit)
        self._emit = emit

    async def run(self) -> Json:
        await self._asking.begin()
        context = await self._asking.context()
        tokens = max(min(self._asked.max_tokens, context // ANSWER_SHARE), 1)
        shown, around = await self._fitted(context - tokens - _TEMPLATE_TOKENS)
        await self._emit("plan", {"shown": _ranges(shown), "answer_tokens": tokens})
        program = shape.build(self._asked, shown, tokens)
        field = await self._answer(prompting.chat(self._asked, shown, around), program)
        return {
            "v": 1,
            "answer": field.value,
            "blocks": self._blocks(field),
            "cut": field.cut,
            "mark": shape.mark(self._asked),
            "shown": _ranges(shown),
            "model": self._model,
            "stats": self._asking.stats(),
        }

    async def _fitted(self, context: int) -> tuple[list[Shown], Around]:
        """What is shown beside the task itself. What was tried before comes first, then files, then the rest."""
        frame = await self._cost("".join(message.text for message in self._bare()))
        room = context - frame
        if room < ROOM_MIN:
            raise BadInput("the task leaves no room for files; raise runner.context on the node")
        before = await self._tried(int(room * BEFORE_SHARE))
        room -= await self._cost(before)
        beside = bool(self._asked.map or self._asked.examples)
        shown = await self._files(int(room * FILES_SHARE) if beside else room)
        room -= await self._cost("".join(message.text for message in self._bare(shown))) - frame
        map_ = await self._cut(self._asked.map, room)
        room -= await self._cost(map_)
        examples = await self._cut(prompting.examples(self._asked), room)
        return shown, Around(map_, examples, before)

    def _bare(self, shown: Sequence[Shown] = ()) -> list[Message]:
        return prompting.chat(self._asked, shown, Around())

    async def _files(self, room: int) -> list[Shown]:
        """Files that may be edited first; what is left of the room is for the others."""
        edited = [file for file in self._asked.files if file.editable]
        shown: list[Shown] = []
        for group in (edited, [file for file in self._asked.files if not file.editable]):
            costs = [await self._costs(fitting.lines_of(file.text)) for file in group]
            found = fitting.fit(group, costs, room)
            room -= await self._cost("\n".join(line for one in found for piece in one.pieces for line in piece.lines))
            shown += [one for one in found if one.pieces or one.whole]
        if edited and not any(one.file.editable for one in shown):
            raise BadInput("not a line of the files fits; raise runner.context on the node")
        return shown

    async def _tried(self, room: int) -> str:
        """What was tried before, the last first to be kept."""
        told: list[str] = []
        for one in reversed(self._asked.before):
            text = await self._one_tried(one, room)
            room -= await self._cost(text)
            if room < 0:
                break
            told.append(text)
        return "".join(reversed(told))

    async def _one_tried(self, one: Before, room: int) -> str:
        said = await self._cut(prompting.text_shown(one.answer), room // 2)
        output = await self._cut(prompting.text_shown(one.output), room // 2, tail=True)
        return prompting.before(one, said, output)

    async def _cut(self, text: str, room: int, *, tail: bool = False) -> str:
        """As much of a text as there is room for; nothing where that is too little to say anything."""
        if not text or room < ROOM_MIN:
            return ""
        return fitting.fit_text(text, await self._costs(text.split("\n")), room, tail=tail)

    async def _cost(self, text: str) -> int:
        return (await self._costs([text]))[0] if text else 0

    async def _costs(self, texts: Sequence[str]) -> list[int]:
        return await self._asking.count(texts) if texts else []

    async def _answer(self, messages: Sequence[Message], program: Program) -> Field:
        """The answer's one field; its text is told as it comes."""
        listener = _Listener()
        seed = self._asked.seed
        try:
            fields = await self._asking.ask(
                messages, program, temperature=TEMPERATURE if seed else 0.0, seed=seed, heard=listener,
                grammar_optional=True,
            )  # fmt: skip
        except _Circles:
            return Field(shape.ANSWER, listener.said, cut=True)
        if shape.ANSWER not in fields:
            raise EngineError("bad_answer", f"{self._model} sent no answer that can be read")
        return fields[shape.ANSWER]

    def _blocks(self, field: Field) -> list[Json] | None:
        """The edits that the answer names, None where it cannot be read: half a block is none."""
        if self._asked.task in PROSE or field.cut:
            return None
        try:
            blocks = answer.parse(field.value.encode("utf-8", "replace"), shape.mark(self._asked))
        except Refused:
            return None  # the client reads it again, and says why
        return [_block(block) for block in blocks]


class _Circles(Exception):
    """The same text comes again and again: nothing else will."""


class _Listener:
    """Hears an answer as it comes."""

    def __init__(self) -> None:
        self.said = ""
        self._looked = 0  # how long it was then

    def __call__(self, part: Text | Field) -> str:
        if isinstance(part, Field):
            return ""
        self.said += part.text
        if len(self.said) >= self._looked + LOOK_EACH:
            self._looked = len(self.said)
            if answer.goes_in_circles(self.said, CIRCLES):
                raise _Circles
        return part.text


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Replace):
        return {"path": block.path, "search": list(block.search), "replace": list(block.replace)}
    return {"path": block.path, "lines": list(block.lines)}


def _ranges(shown: Sequence[Shown]) -> dict[str, list[list[int]]]:
    return {one.file.path: [[piece.start, piece.end] for piece in one.pieces] for one in shown}
