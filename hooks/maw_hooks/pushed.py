"""Which commits a push brings to a remote that it did not have. Standard library only (hook path)."""

from __future__ import annotations

import os
import re

from maw.git.repo import Repo
from maw.git.run import GitError, git, try_line
from maw.light import NamedTuple

MOST = 1000  # commits of one push that are looked at, newest first
TIMEOUT = 20.0  # seconds for git to list them
_LINE = re.compile(rb"\S+ ([0-9a-f]{40,64}) \S+ ([0-9a-f]{40,64})\Z")


class Tip(NamedTuple):
    """What one ref of the remote is to be, and what it is; `old` is None for a new one."""

    new: str
    old: str | None


class Outgoing(NamedTuple):
    """Subjects by commit id, newest first, merges left out; `more`: there are more than MOST."""

    commits: dict[str, str]
    more: bool


def tips(lines: bytes) -> list[Tip]:
    """From pre-push's standard input, a line a ref: "<local ref> <id> <remote ref> <id>"; what is deleted is left out.

    Hook frameworks give the hook no input; they tell of one ref by variables.
    """
    matches = [match for line in lines.splitlines() if (match := _LINE.match(line.strip()))]
    found = [Tip(match[1].decode(), _or_none(match[2].decode())) for match in matches]
    if not matches and os.environ.get("PRE_COMMIT") and not lines.strip():
        found = [Tip(os.environ.get("PRE_COMMIT_TO_REF") or "HEAD", os.environ.get("PRE_COMMIT_FROM_REF"))]
    return [tip for tip in found if _or_none(tip.new) is not None]


def outgoing(repo: Repo, asked: list[Tip], remote: str) -> Outgoing:
    """The commits of `asked` that neither the refs they replace have nor what is known of `remote`. Raises GitError."""
    new = [tip.new for tip in asked if _is_commit(repo, tip.new)]  # a tag may name a tree or a file
    if not new:
        return Outgoing({}, more=False)
    old = [tip.old for tip in asked if tip.old is not None and _is_commit(repo, tip.old)]
    known = f"--remotes={remote}" if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", remote) else "--remotes"
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--no-merges", "--format=%H%x00%s")
    command = ("log", f"-{MOST + 1}", *options, *new, "--not", *old, known, "--")
    lines = git(*command, cwd=repo.root, timeout=TIMEOUT).decode("utf-8", "replace").splitlines()
    found = dict(line.split("\0", 1) for line in lines if "\0" in line)
    return Outgoing(dict(list(found.items())[:MOST]), more=len(found) > MOST)


def _is_commit(repo: Repo, name: str) -> bool:
    """Whether we have it, and it is a commit or a tag of one. Of a forced push we may not have what was there."""
    try:
        return try_line("cat-file", "-e", f"{name}^{{commit}}", cwd=repo.root) is not None
    except GitError:
        return False


def _or_none(oid: str) -> str | None:
    return oid if oid.strip("0") else None
