"""What the attendant does for a repository, each in a thread: notes, outbox, indexes. Nothing here raises what a
repository may be guilty of: it is logged, and done again by the next one who needs it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading

from maw.attendant import pending, spool
from maw.errors import FatalError
from maw.generate.memory import waiting as generated
from maw.git.repo import Repo

log = logging.getLogger("maw.attendant")


def write_notes(repo: Repo) -> bool:
    """Drain the spool and expire what waits for nothing; False when the repository cannot be worked on."""
    if not os.path.isdir(repo.common_dir):
        log.warning("%s: no such directory", repo.common_dir)
        return False
    try:
        pending.expire(repo)
        generated.expire(repo)
        count = spool.drain(repo)
    except (FatalError, OSError, ValueError) as exc:
        log.error("%s: %s", repo.common_dir, exc)
        return False
    if count:
        log.info("%s: %d records written", repo.common_dir, count)
    return True


def deliver(repo: Repo, stopping: threading.Event) -> tuple[int, int]:
    """How many reviews of the outbox came to their end, and how many are to be tried again."""
    from maw.attendant import delivery  # only where something waits

    done = later = 0
    try:
        # A variable that was set for the one commit that started us says nothing of other ones.
        environ = {name: value for name, value in os.environ.items() if name != "MAW_NODE"}
        for attempt in delivery.attempts(repo, stopping, environ=environ):
            log.info("%s: outbox %s: %s: %s", repo.common_dir, attempt.entry.id, attempt.state, attempt.text)
            done += attempt.state in (delivery.DELIVERED, delivery.DROPPED)
            later += attempt.state == delivery.LATER
    except delivery.AtIt:
        later += 1
    except (FatalError, OSError, ValueError) as exc:
        log.error("%s: outbox: %s", repo.common_dir, exc)
    return done, later


def refresh_index(repo: Repo) -> None:
    """Bring the index, and what hooks read of dismissals, up to the notes. What fails here is done again by those
    who need it."""
    from maw.memory import dismissed
    from maw.memory.index import Index
    from maw.memory.linking import link

    try:
        dismissed.refresh(repo)
        link(repo)
        with Index(repo) as index:
            index.refresh()
    except (FatalError, OSError, sqlite3.Error) as exc:
        log.error("%s: index: %s", repo.common_dir, exc)


def learn_messages(repo: Repo) -> None:
    """Bring the index of commit messages up to HEAD, where anything of it is used, and the profile with it."""
    from maw.config.load import load
    from maw.memory.index import Index
    from maw.messages import store
    from maw.messages.index import MessageIndex

    try:
        config = load(strict=False)
        if not config.values["message.suggest"] and config.values["message.check"] == "off":
            return
        store.expire(repo)
        with Index(repo) as records, MessageIndex(repo) as index:
            index.refresh()
            index.like(records.commits("message", ("taken", "edited")))
    except (FatalError, OSError, sqlite3.Error) as exc:
        log.error("%s: messages: %s", repo.common_dir, exc)
