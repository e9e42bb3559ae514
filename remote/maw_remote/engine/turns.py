"""The compute turn: of the models that compute on this machine's CPU, one does at a time.

Two that share the cores are slower than one after the other, by a factor of 25 where each has a thread for every core.
A worker that has the turn keeps it while nobody else has work. It gives it back at the end of a step: at once to
interactive work when its own is not, else after a slice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal, Protocol

SLICE = 0.5  # seconds that a worker computes before another one of the same urgency may


class Player(Protocol):
    """A worker as the turn sees it."""

    @property
    def urgency(self) -> Literal[0, 1, 2]:
        """Its work: none, background, interactive."""

    def send_turn(self, on: bool) -> None: ...


Later = Callable[[float, Callable[[], None]], object]


def _later(seconds: float, look: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, look)


class Turns:
    """`later` has a function called in so many seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, later: Later = _later) -> None:
        self._clock, self._later = clock, later
        self._timer = False  # whether `look` will be called
        self._holder: Player | None = None
        self._returning = False  # the holder was told to pause and has not answered
        self._since = 0.0
        self._waiting: list[Player] = []  # in the order in which their work began

    def changed(self, player: Player) -> None:
        """A worker got work, lost some, or has none any more."""
        if player.urgency and player is not self._holder and player not in self._waiting:
            self._waiting.append(player)
        elif not player.urgency and player in self._waiting:
            self._waiting.remove(player)
        self._look()

    def paused(self, player: Player) -> None:
        """A worker has stopped computing."""
        if player is self._holder and self._returning:
            self._release()

    def gone(self, player: Player) -> None:
        """A worker ended; its turn is free."""
        if player in self._waiting:
            self._waiting.remove(player)
        if player is self._holder:
            self._holder, self._returning = None, False
            self._look()

    def _look(self) -> None:
        """Pass the turn on, if it is time."""
        best = max(self._waiting, key=lambda player: player.urgency, default=None)
        if best is None or self._returning:
            return
        if self._holder is None:
            self._give(best)
        elif self._yields(self._holder, best):
            self._returning = True
            self._holder.send_turn(False)
        elif not self._timer:
            self._timer = True
            self._later(max(self._since + SLICE - self._clock(), 0.0), self._slice_is_over)

    def _slice_is_over(self) -> None:
        self._timer = False
        self._look()

    def _yields(self, holder: Player, best: Player) -> bool:
        over = self._clock() - self._since >= SLICE
        return best.urgency > holder.urgency or (best.urgency == holder.urgency and over)

    def _give(self, player: Player) -> None:
        self._waiting.remove(player)
        self._holder, self._since = player, self._clock()
        player.send_turn(True)
        self._look()

    def _release(self) -> None:
        holder, self._holder, self._returning = self._holder, None, False
        if holder is not None and holder.urgency:
            self._waiting.append(holder)
        self._look()
