"""What was decided about findings since the start, on whatever screen: how much `u` takes back, and whether something
is new to another screen."""

from __future__ import annotations


class Settled:
    def __init__(self) -> None:
        self.counts: list[int] = []  # of how many findings each decision was that can be taken back
        self.changes = 0  # how often anything was said or taken back

    def note(self, count: int) -> None:
        """Something was said of so many findings; of none: taken back."""
        self.changes += 1
        if count:
            self.counts.append(count)

    def last(self) -> int:
        """Of how many findings the last decision was, which is being taken back; one that was made elsewhere is of
        one."""
        return self.counts.pop() if self.counts else 1
