"""A repository as maw sees it: where it is, what is staged, what a range changes. Standard library only (hook path).

The git command line decides, not libgit2: inside a hook only it honours GIT_INDEX_FILE, so only it sees what
`commit -a`, `-p` and path-limited commits are about to record (docs/architecture.md).
"""

from __future__ import annotations

import os

from maw.errors import FatalError
from maw.git.run import OFFLINE, GitError, git, git_feed, git_start, line, no_git_env, of, try_line, zsplit
from maw.light import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_DIED = 128  # git's exit status when it cannot go on

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
    # The worktree's top cannot be told in a bare repository and below .git.
    answer = try_line(*_PLACE, "--show-toplevel", cwd=cwd) or line(*_PLACE, cwd=cwd)
    return _repo(answer.split("\n"), cwd)


class Head(NamedTuple):
    """HEAD's commit and its tree."""

    commit: str
    tree: str


def discover_at_head() -> tuple[Repo, Head | None]:
    """The repository whose hook runs us, and its HEAD (None before the first commit), by one git process.

    Raises GitError, also where there is no worktree.
    """
    # --revs-only prints nothing for a HEAD without a commit.
    asked = (*_PLACE, "--show-toplevel", "--revs-only", "HEAD^{commit}", "HEAD^{tree}")
    git_dir, common, worktree, *head = line(*asked).split("\n")
    return _repo([git_dir, common, worktree]), Head(*head) if head else None


_PLACE = ("rev-parse", "--absolute-git-dir", "--git-common-dir")


def _repo(answer: list[str], cwd: str | None = None) -> Repo:
    git_dir, common, *worktree = answer
    common_dir = os.path.normpath(os.path.join(cwd or os.getcwd(), common))
    return Repo(worktree[0] if worktree else None, git_dir, common_dir)


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
    commit = head_commit(repo)
    return staged_on(repo, Head(commit, tree_of(repo, commit)) if commit else None)


def staged_on(repo: Repo, head: Head | None) -> Staged:
    """Like staged, where HEAD is known already."""
    tree = _written_tree(repo)
    return Staged(tree, head.commit, head.tree) if head else Staged(tree, None, empty_tree(repo))


def _written_tree(repo: Repo) -> str:
    """The tree of the index. `git write-tree` locks the index, and dies where another one holds the lock for a moment,
    such as an editor's or a prompt's `git status`: nobody locks a copy."""
    try:
        return line("write-tree")
    except GitError as exc:
        if exc.code != _DIED:
            raise
    import shutil  # hardly ever
    import tempfile

    with tempfile.TemporaryDirectory(prefix="maw-") as folder:
        copy = os.path.join(folder, "index")
        try:
            shutil.copyfile(os.environ.get("GIT_INDEX_FILE") or os.path.join(repo.git_dir, "index"), copy)
        except FileNotFoundError:
            pass  # nothing was ever staged, and git takes a missing index for an empty one
        return line("write-tree", env={**os.environ, "GIT_INDEX_FILE": copy})


def diff_trees(repo: Repo, base: str, tree: str, *, big_file_threshold: int | None = None) -> bytes:
    """The patch between two trees. Files larger than `big_file_threshold` bytes are told as binary, unread."""
    return git(*_diff(base, tree, big_file_threshold), cwd=repo.root, env=_diff_env())


def diff_trees_offline(git_dir: str, base: str, tree: str) -> bytes:
    """The same in a git directory, wherever we were started. Raises GitError for what a partial clone would fetch."""
    return git(*of(git_dir), *_diff(base, tree, None), cwd=git_dir, env={**no_git_env(), **OFFLINE})


def start_of_diff(
    repo: Repo, base: str, tree: str, *, limit: int, timeout: float | None, big_file_threshold: int | None = None
) -> tuple[bytes, bool]:
    """Like diff_trees, but at most `limit` bytes of it, and whether they are all. Raises GitTimeout too."""
    arguments = _diff(base, tree, big_file_threshold)
    return git_start(*arguments, limit=limit, timeout=timeout, cwd=repo.root, env=_diff_env())


def start_of_diff_offline(
    git_dir: str, base: str, tree: str, *, limit: int, timeout: float | None, big_file_threshold: int
) -> tuple[bytes, bool]:
    """Like start_of_diff in a git directory, wherever we were started. Raises GitError for what a partial clone would
    fetch."""
    arguments = (*of(git_dir), *_diff(base, tree, big_file_threshold))
    environment = {**no_git_env(), **OFFLINE}
    environment.pop("GIT_DIFF_OPTS", None)
    return git_start(*arguments, limit=limit, timeout=timeout, cwd=git_dir, env=environment)


def feed_diff(
    repo: Repo, base: str, tree: str, *, take: Callable[[bytes], bool], timeout: float | None, big_file_threshold: int
) -> bool:
    """Like start_of_diff, given to `take` as it comes (git_feed); whether it was all."""
    arguments = _diff(base, tree, big_file_threshold)
    return git_feed(*arguments, take=take, timeout=timeout, cwd=repo.root, env=_diff_env())


def _diff(base: str, tree: str, big_file_threshold: int | None) -> list[str]:
    options = ["-c", "core.quotePath=true"]  # which has no option of `git diff`
    options += ["-c", f"core.bigFileThreshold={big_file_threshold}"] if big_file_threshold else []
    return [*options, "diff", *DIFF_OPTIONS, base, tree, "--"]


def _diff_env() -> dict[str, str]:
    """Without a variable that wins over --unified on the command line."""
    return {name: value for name, value in os.environ.items() if name != "GIT_DIFF_OPTS"}


class LastCommit(NamedTuple):
    """HEAD after a commit. `previous` is HEAD before it and `previous_tree` its tree, None where the reflog does not
    tell; `action` is the reflog's word, such as "commit" or "commit (amend)", empty without a reflog."""

    commit: str
    tree: str
    parents: tuple[str, ...]
    action: str
    previous: str | None
    previous_tree: str | None


def last_commit(repo: Repo) -> LastCommit:
    """What a post-commit hook has to know, by one git process where there is a reflog. Raises GitError."""
    form = "--format=%H%x00%T%x00%P%x00%gs"
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch")
    output = line("log", "--walk-reflogs", "-2", *options, form, "HEAD", "--", cwd=repo.root)
    if not output:
        output = line("log", "-1", *options, form, "HEAD", "--", cwd=repo.root)
    (commit, tree, parents, subject), *before = (entry.split("\0") for entry in output.split("\n"))
    previous, previous_tree = before[0][:2] if before else (None, None)
    return LastCommit(commit, tree, tuple(parents.split()), subject.partition(":")[0], previous, previous_tree)


def changed_blobs(repo: Repo, base: str, tree: str, *, timeout: float | None = None) -> dict[bytes, list[str]]:
    """The blobs before and after (one of them for an added or deleted file) of each path that differs.

    A file both renamed and changed is one deleted and one added: to tell otherwise, git would read the files.
    """
    options = ("-r", "-z", "--raw", "--no-abbrev", "--find-renames=100%")
    output = zsplit(git("diff-tree", *options, base, tree, cwd=repo.root, timeout=timeout))
    found: dict[bytes, list[str]] = {}
    fields = iter(output)
    for head in fields:
        old_mode, new_mode, old, new, status = head.decode("ascii").lstrip(":").split(" ")
        name = next(fields)
        if status[0] in "RC":
            name = next(fields)
        sides = ((old_mode, old), (new_mode, new))
        found[name] = [oid for mode, oid in sides if mode not in ("000000", "160000")]
    return found


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
            head = resolve_commit(repo, right or "HEAD")
            base = resolve_commit(repo, left or "HEAD")
            if dots == "...":
                base = line("merge-base", base, head, cwd=repo.root)
            return Range(head, tree_of(repo, head), tree_of(repo, base))
    head = resolve_commit(repo, text)
    parent = try_line("rev-parse", "--verify", "--quiet", f"{head}^1^{{tree}}", cwd=repo.root)
    return Range(head, tree_of(repo, head), parent or empty_tree(repo))


def resolve_commit(repo: Repo, name: str) -> str:
    """The full id of the commit that a revision names. Raises GitError."""
    # --end-of-options: a name that starts with a dash stays a name.
    found = try_line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", cwd=repo.root)
    if found is None:
        raise NoSuchCommit(name, none_yet=head_commit(repo) is None)
    return found


class NoSuchCommit(GitError):
    """A revision names no commit; git's own words for that name an option that nobody typed."""

    def __init__(self, name: str, *, none_yet: bool) -> None:
        super().__init__(["rev-parse", name], 128, "")
        if none_yet:
            self.message = f"no commits yet, so there is no {name}"
        else:
            self.message = f"no such commit: {name}"


def commits_in(repo: Repo, revisions: str) -> list[str]:
    """The ids of the commits in a revision range, as `git rev-list` reads it. Raises FatalError."""
    try:
        return git("rev-list", "--end-of-options", revisions, "--", cwd=repo.root).decode("ascii").split()
    except GitError as exc:
        if exc.code == 128:  # git's own words name its options, which nobody typed
            raise FatalError(
                f"no such commit or range: {revisions!r}", hint="such as HEAD~5.. or main..topic; see gitrevisions(7)"
            ) from exc
        raise
