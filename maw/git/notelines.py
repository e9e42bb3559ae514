"""Read notes by the git command line, where no library may be loaded. Standard library only (hook path)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from maw.git.repo import Repo
from maw.git.run import GitError, git, of

TIMEOUT = 20.0  # seconds for git to read notes


def tip(repo: Repo, ref: str) -> str | None:
    """What a ref points to, None when there is none. Raises GitError."""
    command = (*of(repo.common_dir), "for-each-ref", "--format=%(objectname)", ref)
    return git(*command, cwd=repo.common_dir, timeout=TIMEOUT).decode("ascii").strip() or None


def notes(repo: Repo, ref: str, commits: Collection[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Commits and what is noted on them by `ref`; None: on all. Raises GitError."""
    at = of(repo.common_dir)
    try:
        command = (*at, "notes", f"--ref={ref}", "list")
        listed = git(*command, cwd=repo.common_dir, timeout=TIMEOUT).decode("ascii").splitlines()
    except GitError:
        return  # no notes at all
    pairs = [(blob, oid) for blob, _, oid in (line.partition(" ") for line in listed)]
    pairs = [(blob, oid) for blob, oid in pairs if commits is None or oid in commits]
    if not pairs:
        return
    asked = "".join(f"{blob}\n" for blob, _ in pairs).encode("ascii")
    output = git(*at, "cat-file", "--batch", cwd=repo.common_dir, stdin=asked, timeout=TIMEOUT)
    start = 0
    for _, oid in pairs:
        end = output.index(b"\n", start)
        words = output[start:end].split(b" ")
        size = int(words[2]) if len(words) == 3 else -1  # "<id> missing"
        if size >= 0:
            yield oid, output[end + 1 : end + 1 + size]
        start = end + 1 + (size + 1 if size >= 0 else 0)
