"""Where an edit may go. A path comes from a model, and the repository from a stranger: both may try to get out.

The name is judged first, then what lies there (each folder on the way is opened without following links), then what
git knows of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from maw.edits import refusal
from maw.edits.refusal import Refusal, refuse
from maw.git.repo import Repo
from maw.git.run import git, zsplit

FILE_MAX = 4 * 1024 * 1024  # bytes of a file that is edited; it has to fit a model's context many times over anyway
_SUBMODULE, _LINK = "160000", "120000"  # modes
_NAME_MAX, _PATH_MAX = 255, 4096  # bytes
# Characters that HFS+ ignores in names (git's utf8.c, next_hfs_char), and so `.g\u200cit` is .git there.
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_GIT_ON_NTFS = re.compile(r"(?:\.git|git~\d+)[ .]*(?::.*)?\Z", re.IGNORECASE)


class Allowed(NamedTuple):
    """What an answer may touch: files by name, and any file below folders ("" is the whole repository)."""

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        above = {"", *(path[:at] for at, char in enumerate(path) if char == "/")}
        return path in self.files or not above.isdisjoint(folder.strip("/") for folder in self.folders)


def checked(path: str) -> str:
    """The path, when its name alone does no harm. Raises Refused."""
    parts = path.split("/")
    if not path or "\0" in path or not path.isprintable() or "\\" in path or path.startswith('"'):
        raise refuse(refusal.BAD_PATH, f"not a path that can be edited: {path!r}")
    if os.path.isabs(path) or re.match(r"[A-Za-z]:", path) or path.startswith("~"):
        raise refuse(refusal.BAD_PATH, "the path is not relative to the repository", path)
    if any(part in ("", ".", "..") for part in parts):
        raise refuse(refusal.BAD_PATH, "the path has an empty part, `.` or `..`", path)
    try:
        too_long = len(path.encode()) > _PATH_MAX or any(len(part.encode()) > _NAME_MAX for part in parts)
    except UnicodeEncodeError:
        raise refuse(refusal.BAD_PATH, f"not a path that can be edited: {path!r}") from None
    if too_long:
        raise refuse(refusal.BAD_PATH, "the path is too long", path)
    if any(is_git(part) for part in parts):
        raise refuse(refusal.INSIDE_GIT, "the path leads into git's own folder", path)
    return path


def is_git(name: str) -> bool:
    """True for what some file system takes for `.git`."""
    plain = _IGNORED_BY_HFS.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return any(_GIT_ON_NTFS.match(form) for form in (name, plain))


class Found(NamedTuple):
    """A plain file's content and its permission bits."""

    content: bytes
    mode: int


@contextlib.contextmanager
def folder_of(root: str, path: str) -> Iterator[int | None]:
    """A descriptor of the folder that a checked path is in, None when it is not there. Follows no link.

    Raises Refused for a folder that is a link, no folder, or another repository's.
    """
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in path.split("/")[:-1]:
            try:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            except FileNotFoundError:
                os.close(fd)
                fd = -1
                break
            except OSError as exc:
                raise _no_folder(exc, name, path, fd) from exc
            os.close(fd)
            fd = below
            if _exists(".git", fd):
                raise refuse(refusal.SUBMODULE, f"`{name}` is a repository of its own", path)
        yield fd if fd >= 0 else None
    finally:
        if fd >= 0:
            os.close(fd)


def _no_folder(exc: OSError, name: str, path: str, fd: int) -> refusal.Refused:
    with contextlib.suppress(OSError):
        if stat.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
            return refuse(refusal.LINK, f"`{name}` is a symbolic link", path)
    return refuse(refusal.UNFIT, f"`{name}` cannot be entered: {exc.strerror}", path)


def _exists(name: str, fd: int) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def read(root: str, path: str) -> Found | None:
    """What lies at a checked path, None when nothing does. Raises Refused for what is no plain file, or too large."""
    with folder_of(root, path) as folder:
        return None if folder is None else read_in(folder, path)


def read_in(folder: int, path: str) -> Found | None:
    """The same in the folder that is open."""
    name = path.rpartition("/")[2]
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if exc.errno == errno.ELOOP:
            raise refuse(refusal.LINK, "it is a symbolic link", path) from exc
        raise refuse(refusal.UNFIT, f"it cannot be read: {exc.strerror}", path) from exc
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise refuse(refusal.UNFIT, "it is not a plain file", path)
        with open(fd, "rb", closefd=False) as file:
            content = file.read(FILE_MAX + 1)
    finally:
        os.close(fd)
    if len(content) > FILE_MAX:
        raise refuse(refusal.UNFIT, f"it is larger than {FILE_MAX:,} bytes", path)
    return Found(content, stat.S_IMODE(found.st_mode))


class _Entry(NamedTuple):
    tag: str
    mode: str
    stage: str


def judged_by_git(repo: Repo, paths: list[str]) -> list[Refusal]:
    """Of paths whose folders can be entered, those that git ignores, has as a link or a submodule, has unmerged or
    has not checked out."""
    parents = {path: [path[:at] for at, char in enumerate(path) if char == "/"] for path in paths}
    entries = _entries(repo.root, sorted({*paths, *(name for above in parents.values() for name in above)}))
    judged = {path: _judged_by_index(path, parents[path], entries) for path in paths}
    # Only those: asked about what is behind a link or in a submodule, git fails.
    ignored = _ignored(repo.root, [path for path, judgement in judged.items() if judgement is None])
    found = [judgement for judgement in judged.values() if judgement is not None]
    return found + [refusal.refusal(refusal.IGNORED, "git ignores it", path) for path in sorted(ignored)]


def _judged_by_index(path: str, above: list[str], entries: Mapping[str, list[_Entry]]) -> Refusal | None:
    own = entries.get(path, [])
    modes = {entry.mode for name in (*above, path) for entry in entries.get(name, ())}
    if _SUBMODULE in modes:
        return refusal.refusal(refusal.SUBMODULE, "it belongs to a submodule", path)
    if _LINK in modes:
        return refusal.refusal(refusal.LINK, "git has a symbolic link there", path)
    if any(entry.stage != "0" for entry in own):
        return refusal.refusal(refusal.UNMERGED, "it is unmerged: resolve it first", path)
    if any(entry.tag in "Ss" for entry in own):
        return refusal.refusal(refusal.NOT_CHECKED_OUT, "git has it, but not checked out here", path)
    return None


def _entries(worktree: str, paths: list[str]) -> dict[str, list[_Entry]]:
    """What the index has of paths themselves, and (a waste, but harmless) of what is below those that are folders."""
    pathspecs = [f":(top,literal){path}" for path in paths]
    found: dict[str, list[_Entry]] = {}
    for entry in zsplit(git("ls-files", "-t", "--stage", "-z", "--", *pathspecs, cwd=worktree)):
        head, _, name = entry.partition(b"\t")
        tag, mode, _, stage = head.decode("ascii").split(" ")
        found.setdefault(name.decode("utf-8", "surrogateescape"), []).append(_Entry(tag, mode, stage))
    return found


def _ignored(worktree: str, paths: list[str]) -> set[str]:
    if not paths:
        return set()
    asked = "\0".join(paths).encode()
    said = git("check-ignore", "-z", "--stdin", cwd=worktree, stdin=asked, well=(0, 1))  # 1: none of them is
    return {name.decode("utf-8", "surrogateescape") for name in zsplit(said)}
