"""What commands that read the records have in common: nothing waits any more, and the index is up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from maw.attendant import client, outbox, spool
from maw.cli.output import say
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory.index import Index
from maw.memory.linking import link
from maw.memory.sync import join_fetched


def deliver(repo: Repo) -> bool:
    """Do what the attendant could not; when we cannot either, say so, give False, and go on with what is there.

    What waits in the outbox may take long: the attendant is told to try again."""
    if outbox.ids(repo):
        client.poke(repo.common_dir)
    try:
        spool.drain(repo)
        join_fetched(repo)
    except FatalError as exc:
        say(f"maw: records wait in {spool.directory(repo)}: {exc.message}" + (f" ({exc.hint})" if exc.hint else ""))
        return False
    except OSError as exc:
        say(f"maw: records wait in {spool.directory(repo)}: {exc.strerror or exc}")
        return False
    return _linked(repo)


def _linked(repo: Repo) -> bool:
    try:
        link(repo)
    except (FatalError, OSError) as exc:
        say(f"maw: the review of what was cherry-picked cannot be noted: {getattr(exc, 'message', exc)}")
        return False
    return True


@contextmanager
def fresh_index(repo: Repo) -> Iterator[Index]:
    """The index with all that the notes say by now. Raises FatalError when it cannot be used."""
    with Index(repo) as index:
        index.refresh(told=lambda: say("maw: reading the notes of this repository, which takes a while the first time"))
        yield index
