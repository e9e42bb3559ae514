"""How a job's events reach the log: at once, but for text, which comes in pieces of one event per 50 ms at most."""

from __future__ import annotations

import asyncio
from typing import Any

from maw_remote.queue.records import Claim, Json
from maw_remote.runner.desk import Desk


class Emitter:
    def __init__(self, desk: Desk, claim: Claim, interval: float) -> None:
        self._desk = desk
        self._claim = claim
        self._interval = interval
        self._text: dict[Any, list[str]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._quiet_until = 0.0

    async def emit(self, kind: str, data: Json) -> None:
        """Append an event. Text waits for its turn; any other event takes the text before it along."""
        if kind != "text":
            await self._append([*self._take(), (kind, data)])
            return
        self._text.setdefault(data.get("unit"), []).append(data["text"])
        left = self._quiet_until - asyncio.get_running_loop().time()
        if left <= 0:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._flush_in(left))

    async def flush(self) -> None:
        """Append the text that waits."""
        if self._text:
            await self._append(self._take())

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()

    async def _flush_in(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._timer = None
        await self.flush()

    def _take(self) -> list[tuple[str, Json]]:
        taken = [
            ("text", {"unit": unit, "text": "".join(parts), "pieces": len(parts)}) for unit, parts in self._text.items()
        ]
        self._text = {}
        if taken:
            self._quiet_until = asyncio.get_running_loop().time() + self._interval
        return taken

    async def _append(self, events: list[tuple[str, Json]]) -> None:
        # False (the claim is lost) needs no answer: the heartbeat stops the job.
        await self._desk.call(self._desk.queue.append, self._claim, events)
