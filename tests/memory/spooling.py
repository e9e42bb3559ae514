"""Records on their way to notes, and where they are by now."""

from __future__ import annotations

import contextlib
import os

from maw.attendant import spool
from maw.git.notes import Notes
from tests.fixtures.attendant import kernel_repo, review_record
from tests.fixtures.git import Repository


def put(repository: Repository, commit: str) -> str:
    """A record on its way to a commit; its id."""
    data = review_record(repository, commit)
    spool.put(kernel_repo(repository), commit, data)
    return str(data["id"])


def ids_on(repository: Repository, commit: str) -> list[str]:
    return [item.id for item in Notes(kernel_repo(repository)).read("review", commit)]


def age(repository: Repository) -> None:
    """Make the spool's files look as if they had settled."""
    for path in spool.waiting(kernel_repo(repository)):
        with contextlib.suppress(FileNotFoundError):
            os.utime(path, (0, 0))


def drain_all(repository: Repository) -> int:
    """Drain until no file is left; how many records were written."""
    count = spool.drain(kernel_repo(repository))
    age(repository)
    assert spool.drain(kernel_repo(repository)) == 0
    return count
