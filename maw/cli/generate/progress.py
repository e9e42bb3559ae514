"""What a generation does just now, as a line at the terminal, and what its rounds came to."""

from __future__ import annotations

from typing import Any

from maw.cli.output import say
from maw.edits.propose import Proposal
from maw.generate.rounds import FAILED, REFUSED, Round
from maw.review.terminal import ProgressLine
from maw.text import count, one_line

_WAITING = {
    "waiting": "waiting for the node", "loading": "loading the model", "asking": "asking the node",
    "checking": "running the command as it is",
}  # fmt: skip
WHY_MAX = 5  # reasons of one round that are told


class Progress:
    """Hears generation.Means.told. The line is gone when the work is."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._line = ProgressLine()
        self._quiet = quiet
        self._text = ""
        self._round = ""

    def __call__(self, kind: str, data: Any) -> None:
        if kind == "round":
            self._ended(data)
        elif kind == "asking":
            self._round, self._text = str(data), ""
        elif kind == "restarted":  # the node began anew: what it had written does not count
            self._text = ""
        self._line.show(self._said(kind, data))

    def mapped(self, done: int, whole: int) -> None:
        """Hears of the map on its way."""
        self._line.show(f"mapping {done:,} of {whole:,} files")

    def clear(self) -> None:
        self._line.clear()

    def _said(self, kind: str, data: Any) -> str:
        if kind == "text":
            self._text += str(data.get("text", ""))
            last = one_line(self._text.rstrip("\n").rpartition("\n")[2])
            return f"{self._round}: {count(self._text.count(chr(10)) + 1, 'line')}: {last}"
        if kind == "verifying":
            assert isinstance(data, Proposal)
            return f"{self._round}: trying a change of {count(len(data.edits), 'file')}"
        return _WAITING.get(kind, f"{self._round}: writing")

    def _ended(self, ended: Round) -> None:
        if self._quiet or ended.how not in (REFUSED, FAILED):
            return
        what = "not taken" if ended.how == REFUSED else "tried"
        with self._line.away():
            for why in ended.why[:WHY_MAX]:
                say(f"maw: {self._round} {what}: {one_line(why)}")
