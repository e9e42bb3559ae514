"""What was decided about findings since the start, on whatever screen: one decision after the other, how much `u` takes
back, and whether something is new to another screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Done = TypeVar("Done")


class Settled:
    """`note` and `last` are for what is done `in_turn`."""

    def __init__(self) -> None:
        self.counts: list[int] = []  # of how many findings each decision was that can be taken back
        self.changes = 0  # how often anything was said or taken back
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decide")

    async def in_turn(self, decide: Callable[[], Done]) -> Done:
        """Do it in a thread, after all that was asked for before: `u` is about the last decision, though that is still
        being written. It is done even where nobody waits any more."""
        return await asyncio.to_thread(self._thread.submit(decide).result)

    def note(self, count: int) -> None:
        """Something was said of so many findings; of none: taken back."""
        self.changes += 1
        if count:
            self.counts.append(count)

    def last(self) -> int:
        """Of how many findings the last decision was, which is being taken back; one that was made elsewhere is of
        one."""
        return self.counts.pop() if self.counts else 1
