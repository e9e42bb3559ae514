"""A change fitted to a prompt: shown whole where it fits, else summarised file by file, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from maw.change import FileChange
from maw_remote.engine.interface import Message
from maw_remote.engine.program import Program, Write
from maw_remote.jobs.asking import Asking
from maw_remote.jobs.interface import BadInput, Emit
from maw_remote.jobs.review import skip
from maw_remote.jobs.review.units import PATH_SHOWN, Piece, shown

SUMMARISED = 24  # files that are summarised, those that changed most; the others are named
NAMED = 40  # files that are named
WHOLE = 2  # times runner.unit_tokens: a larger change is summarised
ROOM_MIN = 96  # tokens; with fewer, nothing can be shown
FILE_MAX = 200_000  # bytes of a file's change; a larger one is only named
SUMMARY_TOKENS = 32
SUMMARY: Program = (Write("summary", SUMMARY_TOKENS, ("\n",)),)
_SUMMARY_SHOWN = 160  # characters
_TEMPLATE_TOKENS = 100  # of a chat's own marks
Item = TypeVar("Item")

# The chat that asks what one file's change does, of which pieces are shown.
AskAbout = Callable[[FileChange, Sequence[Piece]], list[Message]]


class Shown(NamedTuple):
    """`code` is the change as it is; else `parts` has a line for each file, `summarised` of them by the model."""

    code: str
    parts: tuple[str, ...] = ()
    summarised: int = 0


class Digest:
    """Of one change. `skipped` are the paths whose change the client left out."""

    def __init__(
        self, files: Sequence[FileChange], skipped: Sequence[str], unit_tokens: int, asking: Asking, emit: Emit
    ) -> None:
        self._shown = [file for file in files if _is_shown(file)]
        self._named = [headline(file) for file in files if not _is_shown(file)] + list(skipped)
        self._unit_tokens = unit_tokens
        self._asking, self._emit = asking, emit

    async def fitted(self, frame: str, answer_tokens: int, about: AskAbout) -> Shown:
        """As much of the change as there is room for beside `frame`, the prompt without it. Raises BadInput where that
        leaves none."""
        whole = "\n".join([*(code(file, pieces(file)) for file in self._shown), *self._named[:NAMED]])
        frame_cost, cost = await self._asking.count([frame, whole])
        room = await self._asking.context() - frame_cost - _TEMPLATE_TOKENS - answer_tokens
        if room < ROOM_MIN:
            raise BadInput("what goes along leaves no room for the change; raise runner.context on the node")
        if cost <= min(room, WHOLE * self._unit_tokens):
            await self._emit("plan", {"units": 0, "skipped": []})
            return Shown(whole)
        lines = await self._summaries(min(room, self._unit_tokens), about)
        parts = await fitted([*lines, *(f"- {name}" for name in self._named)], room, self._asking)
        return Shown("", tuple(parts), len(lines))

    async def _summaries(self, budget: int, about: AskAbout) -> list[str]:
        """A line for each file, in the change's order; those that changed most are summarised, many at once."""
        largest = sorted(self._shown, key=lambda file: -sum(len(hunk.lines) for hunk in file.hunks))[:SUMMARISED]
        await self._emit("plan", {"units": len(largest), "skipped": []})
        said: dict[int, str] = {}

        async def summarise(file: FileChange) -> None:
            cut = await start_of(file, budget, self._asking)
            answer = await self._asking.ask(about(file, cut), SUMMARY)
            text = answer["summary"].value if "summary" in answer else ""
            text = shown(text.strip().encode("utf-8", "replace"), _SUMMARY_SHOWN)
            said[id(file)] = f": {text}" if text else ""
            told = {"unit": file.path, "path": file.path, "state": "done", "done": len(said), "total": len(largest)}
            await self._emit("unit", told)

        await each(largest, summarise, self._asking)
        return [f"- {headline(file)}{said.get(id(file), '')}" for file in self._shown]


async def each(items: Sequence[Item], work: Callable[[Item], Awaitable[None]], asking: Asking) -> None:
    """Do the work for all items, as many at once as the model takes together. What one raises ends the others."""
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(asking.at_once(len(items))):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the others were cancelled


async def start_of(file: FileChange, budget: int, asking: Asking) -> list[Piece]:
    """As much of a file's change as fits, from its start."""
    costs = iter(await asking.count([shown(line.text) for piece in pieces(file) for line in piece.lines]))
    room, kept = budget, []
    for piece in pieces(file):
        lines = []
        for line in piece.lines:
            room -= next(costs) + 2
            if room > 0:
                lines.append(line)
        kept += [piece._replace(lines=lines)] if lines else []
    return kept


async def fitted(lines: Sequence[str], room: int, asking: Asking) -> list[str]:
    """As many lines as there is room for."""
    kept: list[str] = []
    for line, cost in zip(lines, await asking.count(lines), strict=True):
        room -= cost + 1
        if room < 0:
            return [*kept, f"- and {len(lines) - len(kept)} more files"]
        kept.append(line)
    return kept


def code(file: FileChange, parts: Sequence[Piece]) -> str:
    """A file's change as a model sees it."""
    lines = [headline(file)]
    for piece in parts:
        lines += [f"@@ {piece.section}"] * bool(piece.section)
        lines += [f"{line.kind}{shown(line.text)}" for line in piece.lines]
    return "\n".join(lines)


def headline(file: FileChange) -> str:
    """A file's path and how much of it changed."""
    added = sum(line.kind == "+" for hunk in file.hunks for line in hunk.lines)
    removed = sum(line.kind == "-" for hunk in file.hunks for line in hunk.lines)
    size = "binary" if file.binary else f"+{added} -{removed}"
    return f"{shown_path(file.path)} ({file.status}, {size})"


def shown_path(path: str) -> str:
    return shown(path.encode("utf-8", "replace"), PATH_SHOWN)


def shown_text(text: str) -> str:
    """A text of several lines, each as a prompt shows a line."""
    return "\n".join(shown(line.encode("utf-8", "replace")) for line in text.strip().split("\n"))


def pieces(file: FileChange) -> list[Piece]:
    return [Piece(shown(hunk.section, 80), hunk.lines) for hunk in file.hunks]


def _is_shown(file: FileChange) -> bool:
    """Whether a file's lines tell what the change is about; of others the name does."""
    size = sum(len(line.text) for hunk in file.hunks for line in hunk.lines)
    return bool(file.hunks) and file.status != "deleted" and size <= FILE_MAX and skip.by_name(file.path) is None
