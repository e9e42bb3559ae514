"""From a change to the units that are asked about. It is done beside the runner's loop, since a large change takes
seconds; and it is bounded, since nobody waits for the answers about thousands of units."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from maw import change
from maw.change import FileChange
from maw_remote.jobs.interface import BadInput
from maw_remote.jobs.review import prompting, skip, units
from maw_remote.jobs.review.payload import Payload, Skipped
from maw_remote.jobs.review.units import Unit

UNITS_MAX = 500  # of one review; at half a minute each, a night
_AT_A_TIME = 1 << 20  # bytes of lines that are counted and cut before the next look at UNITS_MAX
_FULL = f"the review is full: a change is cut into {UNITS_MAX} units at most; commit it in parts"

Count = Callable[[Sequence[str]], Awaitable[Sequence[int]]]


class Files(NamedTuple):
    """What of a change is reviewed, and what is not."""

    reviewed: list[FileChange]
    skipped: list[Skipped]


class Plan(NamedTuple):
    """`left`: the files that came after."""

    units: list[Unit]
    left: list[Skipped]


async def files(payload: Payload) -> Files:
    """The files of the payload's patch. Raises BadInput when it is none."""
    return await asyncio.to_thread(_files, payload)


async def instructions(reviewed: list[FileChange], payload: Payload) -> list[str]:
    """The different texts that chats about these files begin with."""

    def texts() -> set[str]:
        chats = (prompting.shared(file.path, payload.rules) for file in reviewed)
        return {"".join(message.text for message in chat) for chat in chats}

    return list(await asyncio.to_thread(texts))


async def cut(reviewed: list[FileChange], budget: int, count: Count) -> Plan:
    """Units of at most `budget` tokens, as `count` counts them. They hold whole files, up to the first that has no
    room any more."""
    plan = Plan([], [])
    for part in await asyncio.to_thread(_parts, reviewed):
        if not plan.left:
            await _add(plan, part, budget, count)
        else:
            plan.left.extend(Skipped(file.path, _FULL) for file in part)
    return plan


async def _add(plan: Plan, part: list[FileChange], budget: int, count: Count) -> None:
    texts = await asyncio.to_thread(_texts, part)
    tokens = dict(zip(texts, await count(texts), strict=True))
    for file, found in zip(part, await asyncio.to_thread(_cut, part, budget, tokens), strict=True):
        if not plan.left and len(plan.units) + len(found) <= UNITS_MAX:
            plan.units.extend(found)
        else:
            plan.left.append(Skipped(file.path, _FULL))


def _files(payload: Payload) -> Files:
    try:
        parsed = change.parse(payload.diff)
    except change.BadPatch as exc:
        raise BadInput(f"the change is not a patch: {exc}") from exc
    found = Files([], list(payload.skipped))
    for file in parsed:
        reason = skip.reason(file, payload.exclude, payload.max_file_bytes)
        if reason is None:
            found.reviewed.append(file)
        else:
            found.skipped.append(Skipped(file.path, reason))
    return found


def _parts(reviewed: list[FileChange]) -> list[list[FileChange]]:
    """The files in order, gathered to parts of some _AT_A_TIME bytes."""
    parts: list[list[FileChange]] = []
    room = 0
    for file in reviewed:
        size = sum(len(line.text) + 1 for hunk in file.hunks for line in hunk.lines)
        if not parts or size > room:
            parts.append([])
            room = _AT_A_TIME
        parts[-1].append(file)
        room -= size
    return parts


def _texts(part: list[FileChange]) -> list[str]:
    return list({units.shown(line.text) for file in part for hunk in file.hunks for line in hunk.lines})


def _cut(part: list[FileChange], budget: int, tokens: dict[str, int]) -> list[list[Unit]]:
    return [units.cut(file, budget, lambda lines: [tokens[line] for line in lines]) for file in part]
