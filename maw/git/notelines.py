"""Read notes by the git command line, where no library may be loaded. Standard library only (hook path)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from maw.git.repo import Repo
from maw.git.run import OFFLINE, git, no_git_env, of
from maw.record import LINES_MAX, NOTE_MAX

TIMEOUT = 20.0  # seconds for git to read notes

Pair = tuple[str, str]  # a note's blob, and the commit it is on


def tip(repo: Repo, ref: str) -> str | None:
    """What a ref points to, None when there is none. Raises GitError."""
    command = ("for-each-ref", "--format=%(objectname)", ref)
    return _git(repo, *command).decode("ascii").strip() or None


def notes(repo: Repo, ref: str, commits: Collection[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Commits and what is noted on them by `ref`; None: on all. Notes that are too large to be read are left out.
    Raises GitError."""
    listed = _git(repo, "notes", f"--ref={ref}", "list").decode("ascii").splitlines()
    pairs = [(blob, oid) for blob, _, oid in (line.partition(" ") for line in listed)]
    for group in _groups(repo, [(blob, oid) for blob, oid in pairs if commits is None or oid in commits]):
        output, start = _asked(repo, "--batch", group), 0
        for _, oid in group:
            end = output.index(b"\n", start)
            words = output[start:end].split(b" ")
            if len(words) != 3:  # "<id> missing": it has just gone
                start = end + 1
                continue
            start = end + 1 + int(words[2]) + 1
            content = output[end + 1 : start - 1]
            if content.count(b"\n") <= LINES_MAX:
                yield oid, content


def _groups(repo: Repo, pairs: list[Pair]) -> Iterator[list[Pair]]:
    """The notes that are here and may be read, as many at a time as one may have bytes: their sizes come first, since
    a stranger may have written them."""
    sizes = _asked(repo, "--batch-check=%(objectsize)", pairs).split(b"\n") if pairs else []
    group: list[Pair] = []
    total = 0
    for pair, told in zip(pairs, sizes, strict=False):
        size = int(told) if told.isdigit() else NOTE_MAX + 1  # "<id> missing"
        if size > NOTE_MAX:
            continue
        if total + size > NOTE_MAX:
            yield group
            group, total = [], 0
        group.append(pair)
        total += size
    if group:
        yield group


def _asked(repo: Repo, how: str, pairs: list[Pair]) -> bytes:
    stdin = "".join(f"{blob}\n" for blob, _ in pairs).encode("ascii")
    return _git(repo, "cat-file", how, stdin=stdin)


def _git(repo: Repo, *arguments: str, stdin: bytes | None = None) -> bytes:
    """git in this repository, which fetches nothing that a partial clone lacks."""
    environment = {**no_git_env(), **OFFLINE}
    directory = repo.common_dir
    return git(*of(directory), *arguments, cwd=directory, stdin=stdin, env=environment, timeout=TIMEOUT)
