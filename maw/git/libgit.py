"""Open a repository with libgit2. Needs pygit2: never on the hook path.

libgit2 does not know every format that git knows. Where it cannot open a repository, maw could neither write notes nor
read commits into its index; such a repository is refused by name (docs/records.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeVar

import pygit2

from maw.errors import FatalError
from maw.git.repo import Repo

# What libgit2 says (in lower case), what that means to a person, and what to do about it.
_REFUSALS = (
    (
        "sha256",
        "it uses the SHA-256 object format",
        "maw needs a SHA-1 repository for its notes; `maw review` works without",
    ),
    ("refstorage", "its refs are stored as a reftable", "`git refs migrate --ref-format=files` changes that"),
    ("extension", "it uses an extension that libgit2 does not know", "see `git config --get-regexp '^extensions'`"),
    ("not owned", "it belongs to another user", "`git config --global --add safe.directory PATH` trusts it"),
)

Found = TypeVar("Found", pygit2.Commit, pygit2.Tree, pygit2.Blob)


def find(repository: pygit2.Repository, object_id: str | pygit2.Oid, kind: type[Found]) -> Found | None:
    """The object when it exists and is of this kind."""
    found: object = repository.get(object_id)
    return found if isinstance(found, kind) else None


def get(repository: pygit2.Repository, object_id: str | pygit2.Oid, kind: type[Found]) -> Found:
    """Like find, for an object that another one names. Raises FatalError when it is missing all the same."""
    found = find(repository, object_id, kind)
    if found is None:
        raise FatalError(
            f"{repository.path} lacks the {kind.__name__.lower()} {object_id}",
            hint="`git fsck` tells what else is missing",
        )
    return found


def open_repository(repo: Repo) -> pygit2.Repository:
    """The repository that all worktrees share. Raises FatalError that names why libgit2 cannot open it."""
    try:
        return pygit2.Repository(repo.common_dir)
    except (pygit2.GitError, OSError, KeyError) as exc:
        raise _refusal(repo, str(exc)) from exc


@contextlib.contextmanager
def told_plainly(repo: Repo) -> Iterator[None]:
    """What libgit2 cannot do inside (a damaged object, say) is raised as FatalError: not now, and no defect of maw."""
    try:
        yield
    except pygit2.GitError as exc:
        raise FatalError(f"libgit2 cannot do this in {repo.root}: {exc}", hint="does `git fsck` find it, too?") from exc


def _refusal(repo: Repo, said: str) -> FatalError:
    for word, reason, hint in _REFUSALS:
        if word in said.lower():
            return FatalError(f"maw cannot keep notes in {repo.root}: {reason}", hint=hint)
    return FatalError(f"maw cannot open the repository {repo.root}: {said}", hint="does `git status` work there?")
