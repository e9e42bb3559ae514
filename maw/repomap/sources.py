"""A repository's source files: those of the working tree, or of a commit. Standard library only.

Links are never followed and submodules not entered. Nothing of the repository runs: no filter, no hook, no fsmonitor.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from maw.files import UnfitFile, read_bounded
from maw.git.repo import Repo
from maw.git.run import OFFLINE, git, zsplit
from maw.repomap import skip
from maw.repomap.languages import language_of

FILES_MAX = 20_000
_GIT = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_LISTED = re.compile(rb"([0-7]{6}) ([0-9a-f]{40,64}) [0-3]\t(.+)", re.DOTALL)
_IN_TREE = re.compile(rb"([0-7]{6}) (\w+) ([0-9a-f]{40,64}) +(\d+|-)\t(.+)", re.DOTALL)
_PLAIN_MODES = (b"100644", b"100755")
_BATCH = 64  # files that git is asked for at once: at most 32 MB


class Stat(NamedTuple):
    """What tells that a file is as it was."""

    size: int
    mtime: int
    ctime: int
    inode: int


class Listing(NamedTuple):
    """Source files that may be in a map, and those that are left out, with the reason. `algorithm`: that of ids."""

    paths: list[str]
    left_out: dict[str, str]
    algorithm: str = "sha1"


def in_worktree(repo: Repo) -> Listing:
    """Tracked files and those that git does not ignore. Raises GitError."""
    options = ("ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard")
    paths: dict[str, None] = {}
    algorithm = "sha1"
    for entry in zsplit(git(*_GIT, *options, cwd=repo.root)):
        tag, rest = entry[:1], entry[2:]
        if tag != b"?":
            match = _LISTED.fullmatch(rest)
            if match is None or match[1] not in _PLAIN_MODES:
                continue
            algorithm = "sha256" if len(match[2]) == 64 else algorithm
            rest = match[3]
        paths[os.fsdecode(rest)] = None
    return _sieved(list(paths), algorithm)


class InTree(NamedTuple):
    """A commit's files: what blob each is, and the listing."""

    blobs: dict[str, str]
    listing: Listing


def in_commit(repo: Repo, commit: str) -> InTree:
    """The files of a commit. Raises GitError."""
    entries = zsplit(git(*_GIT, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, cwd=repo.root, env=_env()))
    blobs, large = {}, {}
    for entry in entries:
        match = _IN_TREE.fullmatch(entry)
        if match is None or match[1] not in _PLAIN_MODES:
            continue
        path = os.fsdecode(match[5])
        blobs[path] = match[3].decode("ascii")
        if match[4].isdigit() and (reason := skip.too_large(int(match[4]))):
            large[path] = reason
    listing = _sieved(list(blobs))
    listing.left_out.update({path: large[path] for path in listing.paths if path in large})
    return InTree(blobs, listing._replace(paths=[path for path in listing.paths if path not in large]))


def _sieved(paths: list[str], algorithm: str = "sha1") -> Listing:
    kept: list[str] = []
    left_out: dict[str, str] = {}
    for path in sorted(paths):
        if language_of(path) is None:
            continue
        reason = skip.by_name(path) or (f"more than {FILES_MAX:,} files" if len(kept) >= FILES_MAX else "")
        if reason:
            left_out[path] = reason
        else:
            kept.append(path)
    return Listing(kept, left_out, algorithm)


class Folders:
    """Which folders of a worktree are real ones: a link to a folder may lead anywhere."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._real = {"": True}

    def stat(self, path: str) -> Stat | None:
        """None for what is not a plain file in real folders."""
        if not self._is_real(path.rpartition("/")[0]):
            return None
        try:
            found = os.lstat(os.path.join(self._root, path))
        except OSError:  # it is gone, or its folder is closed to us
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    def _is_real(self, folder: str) -> bool:
        known = self._real.get(folder)
        if known is None:
            known = self._is_real(folder.rpartition("/")[0]) and not os.path.islink(os.path.join(self._root, folder))
            self._real[folder] = known
        return known


def read(repo: Repo, path: str) -> bytes | None:
    """A file of the working tree; None for one that went, grew or is closed to us meanwhile."""
    try:
        return read_bounded(os.path.join(repo.root, path), limit=skip.SIZE_MAX)
    except (UnfitFile, PermissionError, NotADirectoryError):
        return None


def blob_id(data: bytes, algorithm: str) -> str:
    """The id git gives this content, where no filter changes it."""
    import hashlib  # 3 ms, and what did not change is not read

    return hashlib.new(algorithm, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def read_blobs(repo: Repo, oids: list[str]) -> Iterator[tuple[str, bytes]]:
    """The content of blobs, without those that a partial clone lacks. Raises GitError."""
    for start in range(0, len(oids), _BATCH):
        asked = "".join(f"{oid}\n" for oid in oids[start : start + _BATCH]).encode("ascii")
        yield from _answers(git("cat-file", "--batch", cwd=repo.root, stdin=asked, env=_env()))


def _answers(output: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        head = output[at:end].split()
        at = end + 1
        if len(head) == 3:
            size = int(head[2])
            yield head[0].decode("ascii"), output[at : at + size]
            at += size + 1


def _env() -> dict[str, str]:
    return {**os.environ, **OFFLINE}
