"""What a generation does just now, as a line at the terminal with a clock in it, and what its rounds came to."""

from __future__ import annotations

import time
import types
from contextlib import ExitStack
from typing import Any, Self

from maw.cli.output import say
from maw.edits.propose import Proposal
from maw.generate.rounds import FAILED, REFUSED, Round
from maw.generate.stages import STAGES
from maw.review.terminal import ProgressLine
from maw.text import count, one_line

WHY_MAX = 5  # reasons of one round that are told


class Progress:
    """Hears what a node and generation.Means tell. Use as a context manager: the line is gone when the work is."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._line = ProgressLine()
        self._quiet = quiet
        self._text = ""
        self._round = ""
        self._began = time.monotonic()
        self._stage, self._more = "", ""
        self._ticking = ExitStack()

    def __enter__(self) -> Self:
        self._ticking.enter_context(self._line.ticking(self.line))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._ticking.close()

    def __call__(self, kind: str, data: Any) -> None:
        if kind == "round":
            self._ended(data)
        elif kind == "asking":
            self._round, self._text = str(data), ""
        elif kind == "restarted":  # the node began anew: what it had written does not count
            self._text = ""
        self._shown(*self._said(kind, data))

    def mapped(self, done: int, whole: int) -> None:
        """Hears of the map on its way."""
        self._shown(f"mapping {done:,} of {whole:,} files")

    def line(self) -> str:
        """Round, stage and seconds; behind a colon what it is at, which may be cut."""
        seconds = int(time.monotonic() - self._began)
        parts = [self._round, self._stage, f"{seconds} s" if seconds and self._stage else ""]
        return ", ".join(filter(None, parts)) + (f": {self._more}" if self._more else "")

    def _shown(self, stage: str, more: str = "") -> None:
        self._stage, self._more = stage, more
        self._line.show(self.line())

    def _said(self, kind: str, data: Any) -> tuple[str, str]:
        if kind == "text":
            self._text += str(data.get("text", ""))
            last = one_line(self._text.rstrip("\n").rpartition("\n")[2])
            return count(self._text.count(chr(10)) + 1, "line"), last
        if kind == "unit":
            return f"reading {data.get('done')} of {data.get('total')}", one_line(str(data.get("path") or ""))
        if kind == "plan" and data.get("units"):
            return f"reading 0 of {data['units']}", ""
        if kind == "verifying":
            assert isinstance(data, Proposal)
            return f"trying a change of {count(len(data.edits), 'file')}", ""
        return STAGES.get(kind, "reading"), ""

    def _ended(self, ended: Round) -> None:
        if self._quiet or ended.how not in (REFUSED, FAILED):
            return
        what = "not taken" if ended.how == REFUSED else "tried"
        with self._line.away():
            for why in ended.why[:WHY_MAX]:
                say(f"maw: {self._round} {what}: {one_line(why)}")
