"""A change's fingerprint that survives a rebase: git's patch id.

It ignores line numbers and white space, so an equal id says "the same edit, carried over", not "the same result".
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator

from maw.errors import FatalError
from maw.git.objects import Commit, Objects, PatchId, TooLarge, changed_paths
from maw.git.repo import diff_trees_offline
from maw.git.run import GitError, git, no_git_env, of

PATHS_MAX = 50_000  # of one commit: libgit2 would read as many as a hostile one claims to have
_BINARY = re.compile(rb"^Binary files ", re.MULTILINE)  # a line of content starts with one of " +-\\"


def by_git(git_dir: str, base: str, tree: str, algorithm: str) -> PatchId | None:
    """The patch id of the change from tree `base` to `tree` from the git command line, which costs two processes;
    None when the repository lacks some of it."""
    try:
        patch = diff_trees_offline(git_dir, base, tree)
        said = of_patch(git_dir, patch)
    except GitError:
        return None
    # Of an empty patch git prints none, and libgit2 the hash of nothing.
    nothing = hashlib.new(algorithm, usedforsecurity=False).hexdigest()
    return PatchId(said or nothing, _BINARY.search(patch) is not None)


def of_patch(git_dir: str, patch: bytes) -> str | None:
    """What git says to a patch; None to an empty one. Raises GitError."""
    said = git(*of(git_dir), "patch-id", "--stable", stdin=patch, cwd=git_dir, env=no_git_env()).decode("ascii").split()
    return said[0] if said else None


def of_commit(objects: Objects, commit: Commit) -> PatchId | None:
    """The patch id of a commit against its first parent; None when that is missing, or there is too much of it."""
    base = first_parent_tree(objects, commit)
    if base is None or _has_more(changed_paths(objects, base, commit.tree), PATHS_MAX):
        return None
    return objects.patch_id(base, commit.tree)


def _has_more(paths: Iterator[bytes], limit: int) -> bool:
    """Whether a change has so many files that nobody made it to be reviewed; a missing tree tells nothing."""
    try:
        return next(itertools.islice(paths, limit, None), None) is not None
    except TooLarge:
        return True
    except FatalError:
        return False


def first_parent_tree(objects: Objects, commit: Commit) -> str | None:
    """The tree id a commit is compared with; None when its parent is missing (a shallow clone)."""
    if not commit.parents:
        return objects.empty_tree
    parent = objects.commit(commit.parents[0])
    return parent.tree if parent is not None else None
