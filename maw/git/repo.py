"""A repository as maw sees it: where it is, what is staged, what a range changes. Standard library only (hook path).

The git command line decides, not libgit2: inside a hook only it honours GIT_INDEX_FILE, so only it sees what
`commit -a`, `-p` and path-limited commits are about to record (docs/architecture.md).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from maw.git.run import GitError, git, line, try_line

# A diff must be the same whatever the user's or the repository's configuration says, and must run nothing of theirs.
DIFF_OPTIONS = (
    "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/",
    "--full-index",
    "--submodule=short", "--ignore-submodules=dirty", "--find-renames", "--unified=3", "--inter-hunk-context=0",
    "--diff-algorithm=default", "--no-indent-heuristic", "-O/dev/null",
)  # fmt: skip


class Repo(NamedTuple):
    """Absolute paths. `worktree` is None for a bare repository; `common_dir` is what all worktrees share."""

    worktree: str | None
    git_dir: str
    common_dir: str

    @property
    def maw_dir(self) -> str:
        """maw's own folder: pending records, spool, index. Shared, since a removed worktree takes its own along."""
        return os.path.join(self.common_dir, "maw")

    @property
    def root(self) -> str:
        """Where git commands run."""
        return self.worktree or self.git_dir


def discover(cwd: str | None = None) -> Repo:
    """The repository of `cwd`, as git finds it. Raises GitError when there is none."""
    start = cwd or os.getcwd()
    git_dir, common, bare = line(
        "rev-parse", "--absolute-git-dir", "--git-common-dir", "--is-bare-repository", cwd=cwd
    ).split("\n")  # fmt: skip
    worktree = None if bare == "true" else try_line("rev-parse", "--show-toplevel", cwd=cwd)
    return Repo(worktree, git_dir, os.path.normpath(os.path.join(start, common)))


def head_commit(repo: Repo) -> str | None:
    """HEAD's commit id, None before the first commit."""
    return try_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}", cwd=repo.root)


def empty_tree(repo: Repo) -> str:
    """The id of the empty tree in this repository's object format."""
    return line("hash-object", "-t", "tree", "/dev/null", cwd=repo.root)


def tree_of(repo: Repo, revision: str) -> str:
    """The tree id of a commit-ish. Raises GitError."""
    return line("rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}", cwd=repo.root)


class Staged(NamedTuple):
    """What a commit would record now: `tree` of the index, `head` commit (None before the first), its tree `base`."""

    tree: str
    head: str | None
    base: str


def staged(repo: Repo) -> Staged:
    """Read the index that git would commit (GIT_INDEX_FILE inside a hook). Raises GitError, also while unmerged."""
    tree = line("write-tree")
    head = head_commit(repo)
    return Staged(tree, head, tree_of(repo, head) if head else empty_tree(repo))


def diff_trees(repo: Repo, base: str, tree: str, *, exclude: list[str] | None = None) -> bytes:
    """The patch between two trees. `exclude` has literal paths to leave out."""
    specs = ["--", ".", *(f":(exclude,literal,top){path}" for path in exclude)] if exclude else ["--"]
    return git("diff", *DIFF_OPTIONS, base, tree, *specs, cwd=repo.root)


class Range(NamedTuple):
    """A change already committed: `head` commit, its `tree`, and the tree `base` it is compared with."""

    head: str
    tree: str
    base: str


def resolve_range(repo: Repo, text: str) -> Range:
    """`COMMIT` (against its first parent) or `A..B` / `A...B` (against A / the merge base). Raises GitError."""
    for dots in ("...", ".."):
        left, found, right = text.partition(dots)
        if found:
            head = _commit(repo, right or "HEAD")
            base = _commit(repo, left or "HEAD")
            if dots == "...":
                base = line("merge-base", base, head, cwd=repo.root)
            return Range(head, tree_of(repo, head), tree_of(repo, base))
    head = _commit(repo, text)
    parent = try_line("rev-parse", "--verify", "--quiet", f"{head}^1^{{tree}}", cwd=repo.root)
    return Range(head, tree_of(repo, head), parent or empty_tree(repo))


def _commit(repo: Repo, name: str) -> str:
    # --end-of-options: a name that starts with a dash stays a name.
    found = try_line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", cwd=repo.root)
    if found is None:
        raise GitError(["rev-parse", name], 128, f"no such commit: {name}")
    return found
