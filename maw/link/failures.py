"""Remember for a while that a node cannot be used, so that the next commits do not wait for it again."""

from __future__ import annotations

import time

from maw.errors import NodeError

BLACK_HOLE = 60.0  # seconds a host that swallowed a connection is not tried again
FIRST = 0.25  # seconds after another failure; doubled each time …
LAST = 3.0  # … up to this


class Failures:
    """One node's last failure. A failure that is known at once costs little, so it is forgotten soon."""

    def __init__(self, black_hole: float = BLACK_HOLE) -> None:
        self._black_hole = black_hole
        self._error: NodeError | None = None
        self._until = 0.0
        self._count = 0
        self.era = 0  # rises when all is forgotten

    def remembered(self) -> NodeError | None:
        """The failure in force, None when the node may be tried."""
        return self._error if time.monotonic() < self._until else None

    def failed(self, error: NodeError, era: int, *, slow: bool = False) -> None:
        """Take note of a failure of an attempt that began in `era`. Many clients may report the same; it counts once.

        `slow`: it took longer to learn than a commit should wait twice, whatever it was; that is a black hole too.
        What has been forgotten since is not brought back by an attempt that had begun before.
        """
        if error is self._error or error.code == "lost" or era != self.era:
            return
        self._error = error
        hold = self._black_hole if slow or error.code == "timeout" else min(FIRST * 2**self._count, LAST)
        self._count = min(self._count + 1, 16)
        self._until = time.monotonic() + hold

    def clear(self) -> None:
        """It worked, or a person says it should: try again at once."""
        self._error = None
        self._until = 0.0
        self._count = 0
        self.era += 1
