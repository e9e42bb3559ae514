"""Read a unit's answer: its fields become findings. Its shape was given, yet nothing is taken on trust: a server that
can only be asked may have cut it. What does not fit is an error, never an empty answer.

A text that was cut at its bound ends in an ellipsis; an empty one stays empty, since the model meant the line all the
same. A replacement is code to be put in, so that one which was cut, is blank or holds control characters is none.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from maw.change import Line
from maw.finding import SEVERITIES, Finding, finding_id
from maw_remote.engine.interface import Field
from maw_remote.jobs.review.shape import CATEGORIES, GIVEN, NO, NONE, YES, Limits, field
from maw_remote.jobs.review.units import Unit

Fields = Mapping[str, Field]


class BadAnswer(ValueError):
    """The answer is not of the shape that was asked for; the message says where, without its text. `found`: the
    findings that were whole by then."""

    def __init__(self, message: str, found: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.found = list(found)


class Answer(NamedTuple):
    """What the model said about a unit. `chance`: the probability that it would name any finding at all, as it saw it
    before it named one; None where the engine cannot tell."""

    findings: list[Finding]
    chance: float | None


def read(fields: Fields, unit: Unit, limits: Limits) -> Answer:
    """No findings are a fine answer. Raises BadAnswer."""
    lines = {str(line.new): line for line in reversed(unit.judged())}  # of two with one number the first counts
    found: dict[int, Finding] = {}
    try:
        for number in range(1, min(limits.findings, len(lines)) + 1):
            if _one_of(fields, field(number, "finding"), (YES, NO)).value == NO:
                break
            finding = _finding(fields, number, lines, unit)
            found.setdefault(finding.line, finding)  # a server's grammar cannot keep a line from being named again
    except BadAnswer as exc:
        raise BadAnswer(str(exc), list(found.values())) from None
    return Answer(list(found.values()), _chance(fields[field(1, "finding")]))


def whole(fields: Fields, unit: Unit, limits: Limits) -> list[Finding]:
    """The findings that are whole in an answer that did not come to its end."""
    try:
        return read(fields, unit, limits).findings
    except BadAnswer as exc:
        return exc.found


def _finding(fields: Fields, number: int, lines: Mapping[str, Line], unit: Unit) -> Finding:
    named = _one_of(fields, field(number, "line"), lines)
    line = lines[named.value]
    title, quote = _text(fields, field(number, "title")), line.text.removesuffix(b"\r").decode("utf-8", "replace")
    return Finding(
        id=finding_id(unit.path, quote, title),
        path=unit.path,
        line=int(named.value),
        end_line=int(named.value),
        severity=_one_of(fields, field(number, "severity"), SEVERITIES).value,
        category=_one_of(fields, field(number, "category"), CATEGORIES).value,
        title=title,
        scenario=_text(fields, field(number, "scenario")),
        suggestion=_text(fields, field(number, "suggestion")),
        replacement=_replacement(fields, number),
        quote=quote,
        confidence=_both(fields[field(number, "finding")].probability, named.probability),
        unit=unit.id,
    )


def _get(fields: Fields, name: str) -> Field:
    found = fields.get(name)
    if found is None:
        raise BadAnswer(f"the answer ends before {name}")
    return found


def _one_of(fields: Fields, name: str, admissible: Container[str]) -> Field:
    found = _get(fields, name)
    if found.value not in admissible:
        raise BadAnswer(f"{name} is none of what was asked for")
    return found


def _text(fields: Fields, name: str) -> str:
    found = _get(fields, name)
    text = found.value.strip()
    return f"{text}…" if found.cut and text else text


def _replacement(fields: Fields, number: int) -> str | None:
    if _one_of(fields, field(number, "replacement"), (NONE, GIVEN)).value == NONE:
        return None
    code = _get(fields, field(number, "code"))
    text = code.value.rstrip()
    whole = not code.cut and all(char.isprintable() or char == "\t" for char in text)
    return text if text and whole else None


def _chance(first: Field) -> float | None:
    if first.probability is None:
        return None
    return first.probability if first.value == YES else 1.0 - first.probability


def _both(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other
