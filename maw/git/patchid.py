"""A change's fingerprint that survives a rebase: git's patch id. Needs pygit2.

It ignores line numbers and white space, so an equal id says "the same edit, carried over", not "the same result".
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pygit2

from maw.git.libgit import find
from maw.git.repo import Repo, diff_trees
from maw.git.run import GitError, git

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # libgit2 knows it without having it
NO_CHANGE = "da39a3ee5e6b4b0d3255bfef95601890afd80709"  # libgit2's patch id of an empty patch; git prints none
_BINARY = re.compile(rb"^Binary files ", re.MULTILINE)  # a line of content starts with one of " +-\\"


class PatchId(NamedTuple):
    """`patch_id` is what `git patch-id --stable` prints for text. With `has_binary` it proves nothing: libgit2 gives
    two different edits of a binary file the same id."""

    patch_id: str
    has_binary: bool


def of_trees(repository: pygit2.Repository, base: str, tree: str) -> PatchId | None:
    """The patch id of the change from tree `base` to `tree`; None when the repository has not (any more) both."""
    old, new = find(repository, base, pygit2.Tree), find(repository, tree, pygit2.Tree)
    if old is None or new is None:
        return None
    try:
        diff = old.diff_to_tree(new)
        diff.find_similar()
        # A delta knows that it is binary only once its content was read, which making the patch does.
        has_binary = any(patch is not None and patch.delta.is_binary for patch in diff)
        return PatchId(str(diff.patchid), has_binary)
    except KeyError:  # a partial clone, and libgit2 cannot fetch the blobs it lacks
        return None
    except pygit2.GitError:  # it looks for attributes in the index, and cannot read a sparse or a split one
        return _by_git(repository.path, base, tree)


def _by_git(git_dir: str, base: str, tree: str) -> PatchId | None:
    """The same from the git command line, which costs two processes."""
    try:
        patch = diff_trees(Repo(None, git_dir, git_dir), base, tree)
        said = git("patch-id", "--stable", stdin=patch, cwd=git_dir).decode("ascii").split()
    except GitError:
        return None
    return PatchId(said[0] if said else NO_CHANGE, _BINARY.search(patch) is not None)


def of_commit(repository: pygit2.Repository, commit: pygit2.Commit) -> PatchId | None:
    """The patch id of a commit against its first parent."""
    base = first_parent_tree(repository, commit)
    return of_trees(repository, base, str(commit.tree_id)) if base is not None else None


def first_parent_tree(repository: pygit2.Repository, commit: pygit2.Commit) -> str | None:
    """The tree id a commit is compared with; None when its parent is missing (a shallow clone)."""
    if not commit.parent_ids:
        return EMPTY_TREE
    parent = find(repository, commit.parent_ids[0], pygit2.Commit)
    return str(parent.tree_id) if parent is not None else None
