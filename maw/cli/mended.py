"""After a command that may have mended why a node could not review."""

from __future__ import annotations

from maw.attendant import client, outbox
from maw.cli.place import repository
from maw.git.run import GitError


def send_what_waits() -> None:
    """Have the attendant try the outbox of the repository around us again, if anything waits there."""
    try:
        repo = repository()
    except GitError:
        return  # a node need not have git
    if repo is not None and outbox.ids(repo):
        client.poke(repo.common_dir)
