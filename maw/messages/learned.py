"""The profile of a repository, wherever it comes from. Standard library only (hook path)."""

from __future__ import annotations

from maw.git.repo import Repo, head_commit
from maw.messages import log, profile, store
from maw.messages.profile import Profile

LOOK = 100  # messages that are read where the index was not made yet


def of(repo: Repo) -> Profile:
    """As it was learned; where it was not yet, from the last messages alone."""
    return store.load(repo) or at_a_glance(repo)


def at_a_glance(repo: Repo) -> Profile:
    """From the last messages of HEAD's history. Raises GitError."""
    found: list[str] = []

    def take(commit: log.Commit) -> None:
        if profile.counts(commit.message, commit.author):
            found.append(commit.message)

    head = head_commit(repo)
    if head is not None:
        log.read(repo, [head], take, most=LOOK, patches=False)
    return profile.make(found)
