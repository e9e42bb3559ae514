"""One line that says how far a review is. Standard library only (hook path)."""

from __future__ import annotations

import time

from maw.review.follow import Ended, Found, Step, Voided
from maw.text import count, one_line


class Progress:
    """Takes the steps of a review; `text` is the line for a terminal."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._phase = "waiting"
        self._begin = time.monotonic()
        self._reset()

    def _reset(self) -> None:
        self._ahead = 0
        self._others = 0
        self._total = 0
        self._ended = 0
        self._reused = 0
        self._found = 0
        self._stats: dict[str, object] = {}

    def take(self, step: Step) -> None:
        if isinstance(step, Found):
            self._phase = "reviewing"
            self._found += 1
        elif isinstance(step, Voided):
            self._reset()
            self._phase = "starting over"
        elif not isinstance(step, Ended):
            self._told(step.type, step.data)

    def _told(self, kind: str, data: dict[str, object]) -> None:
        if kind == "waiting":
            self._ahead = _count(data.get("ahead"))
        elif kind == "sharing":
            self._others = _count(data.get("others"))
        elif kind == "started":
            self._ahead = 0
        elif kind == "loading":
            self._phase = f"loading {one_line(str(data.get('model', 'the model')))}"
        elif kind == "plan":
            self._phase = "reading the change"  # until the model says something of it
            self._total = _count(data.get("units"))
        elif kind == "text":
            self._phase = "reviewing"
        elif kind == "unit" and data.get("state") in ("done", "failed"):
            reused = data.get("reused") is True
            self._phase = self._phase if reused else "reviewing"
            self._ended += 1
            self._reused += reused
            stats = data.get("stats")
            self._stats = stats if isinstance(stats, dict) else self._stats

    @property
    def text(self) -> str:
        parts = [f"{self._phase} on {self._node}"]
        if self._ahead:
            parts.append(f"{count(self._ahead, 'task')} ahead")
        if self._others:
            parts.append(f"beside {count(self._others, 'other task')}")
        if self._total:
            parts.append(f"{self._ended}/{self._total} units")
        if self._reused:
            parts.append(f"{self._reused} reused")
        if speed := _number(self._stats.get("tokens_per_s")):
            parts.append(f"{speed:.0f} tokens/s")
        if prompt := _number(self._stats.get("prompt_tokens")):
            parts.append(f"{min(_number(self._stats.get('cached_tokens')) / prompt, 1.0):.0%} cached")
        if self._found:
            parts.append(f"{self._found} found")
        if (seconds := int(time.monotonic() - self._begin)) > 0:
            parts.append(f"{seconds} s")
        return "maw: " + ", ".join(parts)


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object) -> float:
    """A node's figure; 0 for what is none, or none that can be shown."""
    return float(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0.0
