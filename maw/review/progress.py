"""One line that says how far a review is. Standard library only (hook path)."""

from __future__ import annotations

import time

from maw.review.follow import Ended, Found, Step, Voided
from maw.text import one_line


class Progress:
    """Takes the steps of a review; `text` is the line for a terminal."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._phase = "waiting"
        self._reset()

    def _reset(self) -> None:
        self._total = 0
        self._ended = 0
        self._found = 0
        self._tokens = 0
        self._since: float | None = None

    def take(self, step: Step) -> None:
        if isinstance(step, Found):
            self._found += 1
        elif isinstance(step, Voided):
            self._reset()
            self._phase = "starting over"
        elif not isinstance(step, Ended):
            self._told(step.type, step.data)

    def _told(self, kind: str, data: dict[str, object]) -> None:
        if kind == "loading":
            self._phase = f"loading {one_line(str(data.get('model', 'the model')))}"
        elif kind == "plan":
            self._phase = "reviewing"
            self._since = time.monotonic()
            units = data.get("units")
            self._total = units if isinstance(units, int) else 0
        elif kind == "unit" and data.get("state") in ("done", "failed"):
            self._ended += 1
            tokens = data.get("tokens")
            self._tokens += tokens if isinstance(tokens, int) else 0

    @property
    def text(self) -> str:
        parts = [f"{self._phase} on {self._node}"]
        if self._total:
            parts.append(f"{self._ended}/{self._total} units")
        if self._since is not None and self._tokens:
            parts.append(f"{self._tokens / max(time.monotonic() - self._since, 0.001):.0f} tokens/s")
        if self._found:
            parts.append(f"{self._found} found")
        return "maw: " + ", ".join(parts)
