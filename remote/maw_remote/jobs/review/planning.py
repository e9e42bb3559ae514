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


class Listed(NamedTuple):
    """A file that is reviewed. Its lines are parsed when their turn comes: those of a large change, all at once, would
    take ten times the memory of its text."""

    path: str
    size: int  # bytes of its lines
    place: change.Place


class Files(NamedTuple):
    """What of a change is reviewed, and what is not."""

    reviewed: list[Listed]
    skipped: list[Skipped]


class Plan(NamedTuple):
    """`left`: the files for which there was no room."""

    units: list[Unit]
    left: list[Skipped]


async def files(payload: Payload) -> Files:
    """The files of the payload's patch. Raises BadInput when it is none."""
    return await asyncio.to_thread(_files, payload)


async def instructions(reviewed: list[Listed], payload: Payload) -> list[str]:
    """The different texts that chats about these files begin with."""

    def texts() -> set[str]:
        chats = (prompting.shared(file.path, payload.rules) for file in reviewed)
        return {"".join(message.text for message in chat) for chat in chats}

    return list(await asyncio.to_thread(texts))


async def cut(diff: bytes, reviewed: list[Listed], budget: int, count: Count) -> Plan:
    """Units of at most `budget` tokens, as `count` counts them, in the patch's order. They hold whole files, the
    smallest first, up to the first that has no room any more: a small edit is reviewed beside whatever else."""
    found: dict[Listed, list[Unit]] = {}
    total = 0
    for part in _parts(sorted(reviewed, key=lambda listed: listed.size)):
        for listed, units_ in await _cut_part(diff, part, budget, count):
            total += len(units_)
            if total > UNITS_MAX:
                break
            found[listed] = units_
        if total > UNITS_MAX:
            break
    left = [Skipped(listed.path, _FULL) for listed in reviewed if listed not in found]
    return Plan([unit for listed in reviewed for unit in found.get(listed, ())], left)


async def _cut_part(diff: bytes, part: list[Listed], budget: int, count: Count) -> list[tuple[Listed, list[Unit]]]:
    parsed = await asyncio.to_thread(lambda: [change.parse_at(diff, listed.place) for listed in part])
    texts = await asyncio.to_thread(_texts, parsed)
    tokens = dict(zip(texts, await count(texts), strict=True))
    return list(zip(part, await asyncio.to_thread(_cut, parsed, budget, tokens), strict=True))


def _files(payload: Payload) -> Files:
    found = Files([], list(payload.skipped))
    try:
        for file, place in change.parse_each(payload.diff):
            reason = skip.reason(file, payload.exclude, payload.max_file_bytes)
            if reason is None:
                found.reviewed.append(Listed(file.path, _size(file), place))
            else:
                found.skipped.append(Skipped(file.path, reason))
    except change.BadPatch as exc:
        raise BadInput(f"the change is not a patch: {exc}") from exc
    return found


def _size(file: FileChange) -> int:
    return sum(len(line.text) + 1 for hunk in file.hunks for line in hunk.lines)


def _parts(reviewed: list[Listed]) -> list[list[Listed]]:
    """The files in order, gathered to parts of some _AT_A_TIME bytes."""
    parts: list[list[Listed]] = []
    room = 0
    for listed in reviewed:
        if not parts or listed.size > room:
            parts.append([])
            room = _AT_A_TIME
        parts[-1].append(listed)
        room -= listed.size
    return parts


def _texts(part: list[FileChange]) -> list[str]:
    return list({units.shown(line.text) for file in part for hunk in file.hunks for line in hunk.lines})


def _cut(part: list[FileChange], budget: int, tokens: dict[str, int]) -> list[list[Unit]]:
    return [units.cut(file, budget, lambda lines: [tokens[line] for line in lines]) for file in part]
