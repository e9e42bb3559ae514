"""Objects and refs by libgit2: in this process, and so by far the faster way. Needs pygit2: never on the hook path.

libgit2 does not know every format that git knows; store.py tries it first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pygit2
from pygit2.enums import ObjectType, Option

from maw.errors import FatalError
from maw.git import patchid
from maw.git.objects import OBJECT_MAX, Objects, PatchId, Raced, TooLarge
from maw.git.repo import Repo

_KINDS = {
    "blob": ObjectType.BLOB,
    "tree": ObjectType.TREE,
    "commit": ObjectType.COMMIT,
    "tag": ObjectType.TAG,
}
_NAMES = {int(number): name for name, number in _KINDS.items()}
# How libgit2 says that somebody else was faster.
_RACES = ("old reference value does not match", "failed to lock file", "failed to create locked file")
# How it says that git's gc removed a folder of objects, as an empty one, that it was about to put one into.
_SWEPT = ("failed to rename lockfile", "No such file")


class CannotOpen(FatalError):
    """libgit2 does not open this repository; git may."""


def sync_to_disk() -> None:
    """From now on libgit2 syncs what it writes, in every repository."""
    pygit2.option(Option.ENABLE_FSYNC_GITDIR, True)


class LibGit(Objects):
    """The repository that all worktrees share. Raises CannotOpen."""

    def __init__(self, repo: Repo) -> None:
        super().__init__("sha1")
        self._root = repo.root
        self._directory = repo.common_dir
        try:
            self._repository = pygit2.Repository(repo.common_dir)
            self._odb = self._repository.odb
        except (pygit2.GitError, OSError, KeyError) as exc:
            raise CannotOpen(f"libgit2 cannot open {repo.root}: {exc}") from exc

    def read(self, oid: str) -> tuple[str, bytes] | None:
        with self._told_plainly():
            try:
                kind, content = self._odb.read(oid)
            except KeyError:
                return None
        return _NAMES[int(kind)], content

    def blob(self, oid: str) -> bytes | None:
        """As large ones as somebody likes are blobs, so that their size is looked at first. It costs half as much
        again, and pygit2 before 1.19.2 cannot do it."""
        header = getattr(self._odb, "read_header", None)
        with self._told_plainly():
            try:
                size = header(oid)[1] if header is not None else 0
            except KeyError:
                return None
        if size > OBJECT_MAX:
            raise TooLarge(f"the blob {oid} has {size:,} bytes")
        return super().blob(oid)

    def write(self, kind: str, content: bytes) -> str:
        with self._told_plainly():
            try:
                return str(self._odb.write(_KINDS[kind], content))
            except (pygit2.GitError, OSError) as exc:
                if all(words in str(exc) for words in _SWEPT):
                    raise Raced(str(exc)) from exc
                raise

    def ref(self, name: str) -> str | None:
        with self._told_plainly():
            try:
                return str(self._repository.lookup_reference(name).resolve().target)
            except KeyError:
                return None

    def move_ref(self, name: str, old: str | None, new: str) -> None:
        with self._told_plainly():
            try:
                self._move_ref(name, old, new)
            except pygit2.AlreadyExistsError as exc:
                raise Raced(str(exc)) from exc
            except (pygit2.GitError, OSError, KeyError) as exc:
                if any(words in str(exc) for words in _RACES):
                    raise Raced(str(exc)) from exc
                raise

    def _move_ref(self, name: str, old: str | None, new: str) -> None:
        if old is None:
            self._repository.references.create(name, new, force=False)
            return
        reference = self._repository.lookup_reference(name).resolve()
        if str(reference.target) != old:
            raise Raced(f"{name} was moved")
        reference.set_target(new)  # which compares with the target that was read here

    def patch_id(self, base: str, tree: str) -> PatchId | None:
        with self._told_plainly():
            old, new = self._repository.get(base), self._repository.get(tree)
            if not isinstance(old, pygit2.Tree) or not isinstance(new, pygit2.Tree):
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
                return patchid.by_git(self._directory, base, tree, self.algorithm)

    @contextlib.contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """What libgit2 cannot do (a damaged object, a full disk) is no defect of maw."""
        try:
            yield
        except (pygit2.GitError, OSError, KeyError, ValueError) as exc:
            raise FatalError(
                f"libgit2 cannot do this in {self._root}: {exc}", hint="does `git fsck` find it, too?"
            ) from exc
