"""Have everything that waits written into notes, before somebody reads them."""

from __future__ import annotations

from collections.abc import Callable

from maw.attendant import client, outbox, spool
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory.linking import link
from maw.memory.sync import join_fetched


def deliver(repo: Repo, told: Callable[[str], None]) -> bool:
    """Do what the attendant could not; when we cannot either, tell so, give False, and go on with what is there.

    What waits in the outbox may take long: the attendant is told to try again."""
    if outbox.ids(repo):
        client.poke(repo.common_dir)
    try:
        spool.drain(repo)
    except (FatalError, OSError) as exc:
        told(f"records wait in {spool.directory(repo)}: {_said(exc)}")
        return False
    try:
        join_fetched(repo)
    except (FatalError, OSError) as exc:
        told(f"notes that were fetched are not joined with those here: {_said(exc)}")
        return False
    return _linked(repo, told)


def _said(exc: FatalError | OSError) -> str:
    return exc.whole if isinstance(exc, FatalError) else exc.strerror or str(exc)


def _linked(repo: Repo, told: Callable[[str], None]) -> bool:
    try:
        link(repo)
    except (FatalError, OSError) as exc:
        told(f"the review of what was cherry-picked cannot be noted: {getattr(exc, 'message', exc)}")
        return False
    return True
