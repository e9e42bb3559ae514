"""Which commits a push brings to a remote that it did not have. Standard library only (hook path)."""

from __future__ import annotations

import os
import re

from maw.git.repo import Repo
from maw.git.run import git
from maw.light import NamedTuple

MOST = 1000  # commits of one push that are looked at, newest first
TIMEOUT = 20.0  # seconds for git to list them
# What is pushed may be an expression with blanks: HEAD^{/a word of the message}.
_LINE = re.compile(rb".+ ([0-9a-f]{40,64}) \S+ ([0-9a-f]{40,64})\Z")


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
    new = _commits(repo, [tip.new for tip in asked])  # a tag may name a tree or a file
    if not new:
        return Outgoing({}, more=False)
    old = _commits(repo, [tip.old for tip in asked if tip.old is not None])
    known = f"--remotes={remote}" if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", remote) else "--remotes"
    options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--no-merges", "--format=%H%x00%s")
    # By its input: a push of all tags may have more of them than a command line has room for.
    command = ("log", f"-{MOST + 1}", *options, "--stdin", "--not", known, "--")
    revisions = "".join(f"{oid}\n" for oid in (*new, *(f"^{oid}" for oid in old))).encode("ascii")
    output = git(*command, cwd=repo.root, stdin=revisions, timeout=TIMEOUT)
    found = dict(line.split("\0", 1) for line in output.decode("utf-8", "replace").splitlines() if "\0" in line)
    return Outgoing(dict(list(found.items())[:MOST]), more=len(found) > MOST)


def _commits(repo: Repo, names: list[str]) -> list[str]:
    """The commits of those that are one, or a tag of one, and that we have: of a forced push we may not have what was
    there."""
    if not names:
        return []
    asked = "".join(f"{name}^{{commit}}\n" for name in dict.fromkeys(names))
    answers = git("cat-file", "--batch-check", cwd=repo.root, stdin=os.fsencode(asked), timeout=TIMEOUT).splitlines()
    found = (answer.split(b" ") for answer in answers if b" commit " in answer)
    return list(dict.fromkeys(words[0].decode("ascii") for words in found))


def _or_none(oid: str) -> str | None:
    return oid if oid.strip("0") else None
