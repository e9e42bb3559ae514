"""The profile of a repository, wherever it comes from. Standard library only (hook path)."""

from __future__ import annotations

from maw.git.repo import Repo
from maw.git.run import GitError
from maw.messages import log, profile, store
from maw.messages.profile import Profile

LOOK = 100  # messages that are read where the index was not made yet


def of(repo: Repo) -> Profile:
    """As it was learned; where it was not yet, from the last messages alone."""
    return store.load(repo) or at_a_glance(repo)


def at_a_glance(repo: Repo) -> Profile:
    found: list[str] = []

    def take(commit: log.Commit) -> None:
        if profile.counts(commit.message, commit.author):
            found.append(commit.message)

    try:
        log.read(repo, ["HEAD"], take, most=LOOK, patches=False)
    except GitError:
        pass  # before the first commit
    return profile.make(found)
