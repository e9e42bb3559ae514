"""Objects and refs by the git command line, for repositories that libgit2 cannot open (SHA-256, newer extensions).

A process for each object that is written and one for all that are read: slower than libgit2, and as right.
"""

from __future__ import annotations

import contextlib
import subprocess
import weakref

from maw.errors import FatalError
from maw.git import patchid
from maw.git.objects import OBJECT_MAX, Objects, PatchId, Raced, TooLarge
from maw.git.repo import Repo
from maw.git.run import OFFLINE, GitError, git, no_git_env, of, program, try_line

# As libgit2 does it, whatever the configuration says: no hook is run, and what is written is on the disk.
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsync=all")
# How git says that somebody else was faster; a name that is in the way is told in these words, too.
_RACES = ("cannot lock ref", "but expected", "already exists")
_IN_THE_WAY = "cannot create"
# How it says that gc removed a folder of objects, as an empty one, that it was about to put one into.
_SWEPT = "No such file or directory"
_NOT_HERE = "promisor remote"  # a partial clone, and we do not fetch


class Plumbing(Objects):
    """The repository that all worktrees share. Raises GitError when git cannot open it either."""

    def __init__(self, repo: Repo) -> None:
        self._directory = repo.common_dir
        self._options = (*of(repo.common_dir), *_OPTIONS)
        self._batch: _Batch | None = None
        super().__init__(self._git("rev-parse", "--show-object-format").decode("ascii").strip())

    def read(self, oid: str) -> tuple[str, bytes] | None:
        if self._batch is None:
            self._batch = _Batch([program(), *self._options, "cat-file", "--batch"], self._directory)
        try:
            return self._batch.read(oid)
        except (EOFError, TooLarge) as exc:
            self._batch = None
            if isinstance(exc, TooLarge):
                raise
        self._see_why(oid)
        return None

    def _see_why(self, oid: str) -> None:
        """Find out why git ended at this object. Raises FatalError, but for one that is not here."""
        try:
            self._git("cat-file", "-p", oid)
        except GitError as exc:
            if _NOT_HERE in exc.stderr:
                return
            raise
        raise FatalError("git ended without an answer", hint="try again; does `git fsck` find something?")

    def write(self, kind: str, content: bytes) -> str:
        try:
            return self._git("hash-object", "-w", "-t", kind, "--stdin", stdin=content).decode("ascii").strip()
        except GitError as exc:
            if _SWEPT in exc.stderr:
                raise Raced(exc.message) from exc
            raise

    def ref(self, name: str) -> str | None:
        return try_line(
            *self._options, "rev-parse", "--verify", "--quiet", name, cwd=self._directory, env=_environment()
        )

    def move_ref(self, name: str, old: str | None, new: str) -> None:
        try:
            self._git("update-ref", name, new, old or "0" * self.oid_length)
        except GitError as exc:
            if _IN_THE_WAY not in exc.stderr and any(words in exc.stderr for words in _RACES):
                raise Raced(exc.message) from exc
            raise

    def patch_id(self, base: str, tree: str) -> PatchId | None:
        if self.tree(base) is None or self.tree(tree) is None:
            return None
        return patchid.by_git(self._directory, base, tree, self.algorithm)

    def _git(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        return git(*self._options, *arguments, cwd=self._directory, stdin=stdin, env=_environment())


class _Batch:
    """A `git cat-file --batch`, which ends with its last reference."""

    def __init__(self, command: list[str], directory: str) -> None:
        self._process = subprocess.Popen(
            command, cwd=directory, env=_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        weakref.finalize(self, _end, self._process)

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Raises EOFError when git has ended, TooLarge; in both cases it can be asked nothing more."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(oid.encode("ascii") + b"\n")
            stdin.flush()
        except BrokenPipeError as exc:
            raise EOFError from exc
        words = stdout.readline().split()
        if len(words) == 2:
            return None  # "<oid> missing"
        if len(words) != 3:
            raise EOFError
        kind, size = words[1].decode("ascii"), int(words[2])
        if size > OBJECT_MAX:
            raise TooLarge(f"the {kind} {oid} has {size:,} bytes")
        content = stdout.read(size + 1)
        if len(content) <= size:
            raise EOFError
        return kind, content[:size]


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()


def _environment() -> dict[str, str]:
    """No word of the caller's repository, nothing fetched or replaced, and messages that can be told apart."""
    return {**no_git_env(), **OFFLINE, "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
