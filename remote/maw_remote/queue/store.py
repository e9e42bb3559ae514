"""The queue as the runner sees it."""

from __future__ import annotations

from maw_remote.queue.database import connect, suspect, transaction
from maw_remote.queue.intake import Intake
from maw_remote.queue.leases import Leases
from maw_remote.queue.reading import Reading

_PRUNE_BATCH = 200  # tasks deleted in one transaction, so that no submit waits long behind it
_OLD = "SELECT seq FROM task WHERE finished IS NOT NULL AND finished < ? ORDER BY finished LIMIT ?"


class Queue(Intake, Leases, Reading):
    """Everything is durable when a method returns. One thread at a time."""

    @classmethod
    def open(cls, path: str, *, synchronous: str = "normal", **options: object) -> Queue:
        """The queue in the file `path`; `options` are those of Base. Raises FatalError (a newer schema)."""
        return cls(connect(path, synchronous), **options)  # type: ignore[arg-type]

    def prune(self, before: float) -> int:
        """Delete a batch of the tasks that ended before `before`, with all that belongs to them; how many.
        Call it again until it returns 0."""
        with transaction(self._db):
            old = self._db.execute(_OLD, (before, _PRUNE_BATCH)).fetchall()
            for table, column in (("event", "task"), ("payload", "task"), ("result", "task"), ("task", "seq")):
                self._db.executemany(f"DELETE FROM {table} WHERE {column} = ?", old)
        return len(old)

    def suspect(self) -> None:
        """The file is broken: the next one who opens it finds that, too, and starts anew."""
        suspect(self._db)

    def close(self) -> None:
        """Checkpoint and close; a clean end leaves no WAL behind."""
        self._db.close()
