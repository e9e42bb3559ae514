"""The second look at a finding: the model is asked whether it holds, with the code around its line alone.

The chat begins as those about units do, so that it costs no more than those few lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from maw.finding import Finding
from maw_remote.engine.interface import Field, Message
from maw_remote.engine.program import Option, Pick, Program
from maw_remote.jobs.review import prompting
from maw_remote.jobs.review.payload import Rule
from maw_remote.jobs.review.shape import NO, YES
from maw_remote.jobs.review.units import Piece, Unit, is_judged

AROUND = 12  # lines before and after the one that is said to be wrong
HOLDS = "holds"
PROGRAM: Program = (Pick(HOLDS, (Option("yes", YES), Option("no", NO))),)


def claim(finding: Finding) -> str:
    """What there is to ask about; empty when the finding says nothing."""
    return "\n".join(text for text in (finding.title, finding.scenario) if text)


def messages(unit: Unit, finding: Finding, rules: Sequence[Rule], *, redacted: bool = False) -> list[Message]:
    """The chat that asks whether `finding`, which is one of `unit`, holds."""
    near = unit._replace(pieces=_near(unit.pieces, finding.line))
    return prompting.chat("verify", near, rules, redacted=redacted, line=str(finding.line), claim=claim(finding))


def verdict(finding: Finding, said: Field) -> Finding:
    """The finding with what the model said."""
    holds = said.value == YES
    confidence = said.probability if holds or said.probability is None else 1.0 - said.probability
    return finding._replace(verified=holds, verified_confidence=confidence)


def _near(pieces: Sequence[Piece], number: int) -> list[Piece]:
    for piece in pieces:
        for at, line in enumerate(piece.lines):
            if line.new == number and is_judged(line):
                return [piece._replace(lines=piece.lines[max(at - AROUND, 0) : at + AROUND + 1])]
    return list(pieces)
