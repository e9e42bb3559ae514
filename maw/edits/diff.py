"""Edits as a unified diff, made by git and proved by git: applied to the old contents it gives the new ones.

Both happen in a folder of their own outside of any repository, so that no attribute, filter or setting of the
repository has a say: the diff is of the bytes that lie in the working tree.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from maw.change import sections
from maw.git.run import GitError, git, no_git_env

_PLAIN = (
    "-c", "core.quotePath=true", "-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null",
    "-c", "core.fileMode=true", "-c", "diff.suppressBlankEmpty=false",
)  # fmt: skip
_DIFF = (
    "diff", "--no-index", "--no-prefix", "--text", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames",
    "--full-index", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=default", "--no-indent-heuristic",
    "-O/dev/null",
)  # fmt: skip
_APPLY = ("-c", "apply.whitespace=nowarn", "-c", "apply.ignoreWhitespace=no", "apply")
_REGULAR, _EXECUTABLE = 0o644, 0o755


class FileEdit(NamedTuple):
    """One file before and after; None is no file. `mode`: permission bits when the edit was made, which it keeps."""

    path: str
    old: bytes | None
    new: bytes | None
    mode: int = _REGULAR


def make(edits: Sequence[FileEdit]) -> bytes:
    """The diff of edits, in the order of their paths. Raises GitError when git does not apply it again as it should."""
    with tempfile.TemporaryDirectory(prefix="maw-diff-") as scratch:
        for edit in edits:
            _put(os.path.join(scratch, "a"), edit, edit.old)
            _put(os.path.join(scratch, "b"), edit, edit.new)
        said = git(*_PLAIN, *_DIFF, "a", "b", cwd=scratch, env=_env(scratch), well=(0, 1))
        diff = b"".join(_named(section) for section in sections(said))
        _prove(diff, edits, scratch)
    return diff


def _named(section: bytes) -> bytes:
    """With --no-prefix git names a file that is on one side only by that side, twice (`b/new b/new`)."""
    line, end, rest = section.partition(b"\n")
    names = line.removeprefix(b"diff --git ")
    one, other = names[: len(names) // 2], names[len(names) // 2 + 1 :]
    if one == other:
        quote, name = (b'"', one[3:]) if one.startswith(b'"') else (b"", one[2:])
        line = b"diff --git %sa/%s %sb/%s" % (quote, name, quote, name)
    return line + end + rest


def _prove(diff: bytes, edits: Sequence[FileEdit], scratch: str) -> None:
    """`git apply --check` is asked, then the result is looked at. The old contents are in `scratch`/a."""
    if not diff:
        return
    old = os.path.join(scratch, "a")
    for options in (("--check",), ()):
        git(*_PLAIN, *_APPLY, *options, "-p1", "-", cwd=old, stdin=diff, env=_env(scratch))
    for edit in edits:
        if _content(os.path.join(old, edit.path)) != edit.new:
            raise GitError(["apply"], 1, f"the diff of {edit.path} does not lead to what it was made from")


def _put(folder: str, edit: FileEdit, content: bytes | None) -> None:
    os.makedirs(folder, exist_ok=True)
    if content is None:
        return
    path = os.path.join(folder, edit.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, _EXECUTABLE if edit.mode & 0o100 else _REGULAR)


def _content(path: str) -> bytes | None:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        return file.read()
    return None


def _env(scratch: str) -> dict[str, str]:
    """Without a repository, also when the folder for temporary files lies in one."""
    environment = {name: value for name, value in no_git_env().items() if name != "GIT_DIFF_OPTS"}
    return {**environment, "GIT_CEILING_DIRECTORIES": os.path.realpath(scratch), "GIT_ATTR_NOSYSTEM": "1"}
