"""What came of one unit, and how it is kept for the next time that the same code is to be judged.

Kept findings name their line by its place among the unit's judged lines, so that they still fit when the code has only
moved. Where a text speaks of a line by number it does not: then the numbers must be the same, too.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import NamedTuple

from maw.finding import Finding, finding_from_json
from maw_remote.jobs.interface import Json
from maw_remote.jobs.review.units import Unit


class Judgement(NamedTuple):
    """`rejected` are findings that did not hold when the model was asked again. `chance`: the probability that the
    model would find anything, as it saw it beforehand; None where the engine cannot tell. Not `whole`: it failed, and
    this is what there was by then."""

    findings: list[Finding]
    rejected: list[Finding]
    chance: float | None
    whole: bool = True


def key(unit: Unit, instructions: str, profile: str) -> str:
    """What determines the judgement: the profile, the instructions with the rules, the path and the code. Not where
    in the file the code stands."""
    digest = hashlib.sha256()
    for part in (profile, instructions, unit.path, unit.status):
        _add(digest, part.encode("utf-8", "surrogateescape"))
    for piece in unit.pieces:
        _add(digest, piece.section.encode("utf-8"))
        for line in piece.lines:
            _add(digest, line.kind.encode("ascii") + line.text)
        _add(digest, b"")
    return digest.hexdigest()


def write(judgement: Judgement, unit: Unit) -> bytes:
    """The judgement as it is kept."""
    numbers = _numbers(unit)
    told = [*judgement.findings, *judgement.rejected]
    said = {word for finding in told for text in _texts(finding) for word in re.findall(r"\d+", text)}
    data = {
        "findings": [finding.to_json() | {"line": numbers.index(finding.line)} for finding in judgement.findings],
        "rejected": [finding.to_json() | {"line": numbers.index(finding.line)} for finding in judgement.rejected],
        "chance": judgement.chance,
        "numbers": numbers if said & set(map(str, numbers)) else None,
    }
    return json.dumps(data).encode("ascii")


def read(body: bytes, unit: Unit) -> Judgement | None:
    """The judgement that is kept for a unit with the same key; None when it speaks of lines that have other numbers
    now, or was damaged."""
    numbers = _numbers(unit)
    try:
        data = json.loads(body)
        if data["numbers"] not in (None, numbers):
            return None
        found, rejected = ([_finding(item, numbers, unit) for item in data[name]] for name in ("findings", "rejected"))
        return Judgement(found, rejected, data["chance"])
    except (ValueError, LookupError, TypeError):
        return None


def _finding(data: Json, numbers: list[int], unit: Unit) -> Finding:
    line = numbers[data["line"]]
    return finding_from_json(data | {"line": line, "end_line": line, "unit": unit.id})


def _numbers(unit: Unit) -> list[int]:
    return [line.new or 0 for line in unit.judged()]


def _texts(finding: Finding) -> tuple[str, ...]:
    return finding.title, finding.scenario, finding.suggestion


def _add(digest: hashlib._Hash, part: bytes) -> None:
    digest.update(b"%d:" % len(part) + part)
