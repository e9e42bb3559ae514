"""Who gets rows in the next step: a decision without effects.

rows of a step   ┌ each sequence that decodes: 1 (all of them, first)
(one adapter)    └ prompts and trees, in order, as many rows as the time allows that the others may be delayed

Rows cost far less in large steps than in small ones. So prompts that came together are evaluated together: as long as
nobody decodes yet, those that could begin to wait for the others, up to HOLD_MAX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PATIENCE = 2.5  # a prompt's rows may make a step so many times longer for those who decode beside it
HOLD_MAX = 2.0  # seconds that a sequence may wait with its first token for prompts beside it
STEP_MAX = 0.25  # seconds of a step without others: the compute turn must be given back soon


class Want(NamedTuple):
    """What one sequence could have evaluated: `rows` in all, `outputs` of them with logits. `order`: of arrival."""

    number: int
    rows: int
    outputs: int
    order: int
    interactive: bool
    adapter: str | None = None
    held: bool = False  # it is to begin its answer, and may wait


class Pace:
    """How long steps take here, learnt from those that were done."""

    def __init__(self, rows: int) -> None:
        self._most = rows
        self._step = 0.0  # seconds of a step that only decodes
        self._row = 0.0  # seconds that each further row takes

    def learn(self, rows: int, decoding: int, seconds: float) -> None:
        """A step with `rows`, of which `decoding` belong to sequences that want one each."""
        if rows == decoding:
            self._step = _mixed(self._step, seconds)
        else:
            rest = seconds - (self._step if decoding else 0.0)
            self._row = _mixed(self._row, max(rest, seconds / 10) / (rows - decoding))

    def room(self, decoding: int) -> int:
        """Rows that prompts may have beside `decoding` sequences."""
        if not self._row:
            return 16
        seconds = (PATIENCE - 1) * self._step if decoding and self._step else STEP_MAX
        return max(1, min(self._most, int(seconds / self._row)))


def share(
    wants: Sequence[Want], pace: Pace, *, rows: int, outputs: int, avoid: Sequence[str | None] = ()
) -> dict[int, int]:
    """Rows by the number of a sequence, for the next step. `avoid`: adapters that have had their share of steps."""
    able = [want for want in wants if want.rows]
    if any(want.interactive for want in able):
        able = [want for want in able if want.interactive]
    able.sort(key=lambda want: want.order)
    if not able:
        return {}
    adapter = next((want.adapter for want in able if want.adapter not in avoid), able[0].adapter)
    able = [want for want in able if want.adapter == adapter]
    decoding = [want for want in able if want.rows == 1]
    if all(want.held for want in decoding) and len(decoding) < len(able):
        decoding = []
    found: dict[int, int] = {}
    for want in decoding[: min(rows, outputs)]:
        found[want.number] = 1
    left = min(rows - len(found), pace.room(len(found)))
    outputs -= len(found)
    for want in able:
        if want.rows > 1 and left > 0 and outputs > 0:
            given = min(want.rows, left) if want.outputs <= outputs else min(want.rows, left, outputs)
            found[want.number] = given
            left, outputs = left - given, outputs - min(want.outputs, given)
    return found


def _mixed(old: float, new: float) -> float:
    return new if not old else 0.8 * old + 0.2 * new
