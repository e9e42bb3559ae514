"""What commands that read the records have in common: nothing waits any more, and the index is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from maw.cli.output import say
from maw.git.repo import Repo
from maw.memory import arrivals
from maw.memory.index import Index


def deliver(repo: Repo) -> bool:
    """Have what waits written into notes; whether nothing was in the way, which is said otherwise."""
    return arrivals.deliver(repo, lambda text: say(f"maw: {text}"))


@contextmanager
def fresh_index(repo: Repo) -> Iterator[Index]:
    """The index with all that the notes say by now. Raises FatalError when it cannot be used."""
    with Index(repo) as index:
        index.refresh(told=lambda: say("maw: reading the notes of this repository, which takes a while the first time"))
        yield index
