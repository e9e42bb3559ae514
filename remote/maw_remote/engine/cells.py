"""Who has which of a model's sequences and cells: requests, kept prefixes, branches of choices.

What lies in the model's cache unused makes every step longer (attention looks at all cells up to the last one), so
kept prefixes are swapped out while others work, and brought back when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from maw_remote.engine.decoder import Decoder
from maw_remote.engine.kept import Kept, Prefix

MARGIN = 64  # cells that stay free for the branches of choices
REST_MAX = 128  # cells of a prefix that may lie there unused while somebody goes on from its beginning
KEPT_MAX = 8  # prefixes in the model's cache
BRANCHES_MIN = 4  # sequences that stay free for choices, which could not go on without any


class Cells:
    """`reserved()` tells how many cells requests under way may come to need."""

    def __init__(self, decoder: Decoder, *, prefix_bytes: int, reserved: Callable[[], int]) -> None:
        self.most = decoder.cells - MARGIN
        self._decoder = decoder
        self._reserved = reserved
        self._kept = Kept(rollback=decoder.rollback, limit=prefix_bytes)
        self._free = list(range(decoder.sequences))

    def best(self, tokens: list[int], adapter: str | None) -> tuple[Prefix | None, int]:
        """The kept prefix that saves most of these tokens, and how many."""
        return self._kept.best(tokens, adapter)

    def take(self, most: int = 1) -> list[int]:
        """Free sequences: at most so many, fewer where there are not."""
        found, self._free = self._free[:most], self._free[most:]
        return found

    def drop(self, sequence: int) -> None:
        """Forget a sequence; another may have its number and cells now."""
        self._decoder.drop(sequence)
        self._free.append(sequence)

    def go_on(self, sequence: int, prefix: Prefix, length: int) -> int:
        """Let a sequence, an empty one, begin with what is kept. How many tokens it has: none when that is gone."""
        if prefix.sequence is None and not self.revive(prefix):
            return 0
        assert prefix.sequence is not None
        whole = length == len(prefix.tokens)
        self._decoder.fork(prefix.sequence, sequence, *((-1, -1) if whole else (0, length)))
        self._kept.touch(prefix)
        return length

    def release(self, prefix: Prefix, length: int) -> bool:
        """Put away a prefix whose first `length` tokens were taken, when much would lie there unused. True: it is away,
        and what was taken belongs to the taker alone."""
        if prefix.users or len(prefix.tokens) - length <= REST_MAX or not self._kept.worth_swapping(prefix):
            return False
        self._put_away(prefix)
        return True

    def revive(self, prefix: Prefix) -> bool:
        """Bring a prefix's state into the model's cache, and keep it."""
        if prefix.state is None or not self.make_room(len(prefix.tokens), but=prefix):
            return False
        known = prefix in list(self._kept)
        (sequence,) = self.take()
        whole = self._decoder.restore(sequence, prefix.state) and self._decoder.length(sequence) == len(prefix.tokens)
        if not whole:
            self.drop(sequence)
            if known:
                self._kept.remove(prefix)
            return False
        prefix.sequence, prefix.state = sequence, None
        if not known:
            self._add(prefix)
        return True

    def keep(self, tokens: list[int], adapter: str | None, sequence: int) -> None:
        """Keep what a sequence has evaluated; it is the prefix's now."""
        self._add(Prefix(tokens, adapter, sequence))

    def state(self, sequence: int) -> bytes:
        return self._decoder.save(sequence)

    def make_room(self, cells: int, *, but: Prefix | None = None) -> bool:
        """See to it that so many cells and a sequence are free, by putting away kept prefixes that nobody uses."""
        while not self._room(cells):
            idle = [prefix for prefix in self._kept.resident() if prefix is not but]
            if not idle:
                return False
            self._put_away(idle[0])
        return True

    def spare(self) -> bool:
        """Put away the kept prefix that was used least recently. False when there is none."""
        idle = self._kept.resident()
        if idle:
            self._put_away(idle[0])
        return bool(idle)

    def swap_out(self, wanted: Callable[[Prefix], bool]) -> None:
        """Put away the prefixes that nobody uses now and none of those who wait is about to use."""
        for prefix in self._kept.resident():
            if self._kept.worth_swapping(prefix) and not wanted(prefix):
                self._put_away(prefix)

    def _room(self, cells: int) -> bool:
        resident = sum(prefix.sequence is not None for prefix in self._kept)
        enough = self._reserved() + self._kept.cells() + cells <= self.most
        return enough and len(self._free) > BRANCHES_MIN and resident <= KEPT_MAX

    def _add(self, prefix: Prefix) -> None:
        for superfluous in self._kept.add(prefix):
            if superfluous.sequence is not None:
                self.drop(superfluous.sequence)

    def _put_away(self, prefix: Prefix) -> None:
        """Out of the model's cache: into bytes when it is worth that, else away."""
        assert prefix.sequence is not None
        if self._kept.worth_swapping(prefix):
            prefix.state = self._decoder.save(prefix.sequence)
        else:
            self._kept.remove(prefix)
        self.drop(prefix.sequence)
        prefix.sequence = None
        self._kept.shrink()
