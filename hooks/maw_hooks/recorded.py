"""What is recorded on commits, read by the git command line. Standard library only (hook path)."""

from __future__ import annotations

from maw import record
from maw.attendant import outbox, spool
from maw.git import notelines
from maw.git.notelines import TIMEOUT
from maw.git.repo import Repo
from maw.git.run import git
from maw.light import Any
from maw.review import outcome as outcomes
from maw.review.sifting import Sifter

UNREVIEWED, PENDING, BLOCKED, PASSED = "unreviewed", "pending", "blocked", "passed"
_REF = "refs/notes/maw/review"

Json = dict[str, Any]


def states(repo: Repo, commits: list[str], block_at: str) -> dict[str, str]:
    """By commit: whether a review of just this change is recorded, and whether the gate, as it is now, lets it pass.

    A record that git carried along to another change counts for nothing; one with the same patch does. Raises GitError.
    """
    if not commits:
        return {}
    found = _records(repo, set(commits))
    exact = {
        oid: [line for line in found.get(oid, []) if line.get("tree") == tree] for oid, tree in _trees(repo, commits)
    }
    carried = [oid for oid in commits if found.get(oid) and not _reviews(exact[oid])]
    patches = _patch_ids(repo, carried) if carried else {}
    for oid in carried:
        exact[oid] += [line for line in found[oid] if patches.get(oid) in _known_patches(line)]
    waiting = {entry.commit for entry in outbox.entries(repo)} if outbox.ids(repo) else set()
    found_in = {oid: Sifter(repo, oid) for oid in commits}  # which read nothing unless something blocks
    return {oid: _state(exact[oid], block_at, found_in[oid], waiting=oid in waiting) for oid in commits}


def _state(records: list[Json], block_at: str, sifter: Sifter, *, waiting: bool) -> str:
    """The newest review counts, but for what was dismissed since."""
    reviews = _reviews(records)
    if not reviews:
        return PENDING if waiting else UNREVIEWED
    blocks = reviews[-1].blocking(block_at) and sifter.sift(reviews[-1]).blocking(block_at)
    return BLOCKED if blocks else PASSED


def _reviews(records: list[Json]) -> list[outcomes.Outcome]:
    found = []
    for line in records:
        try:
            outcome = outcomes.from_record(line)
        except ValueError:
            continue  # damaged, or a stranger's
        if outcome.status == outcomes.REVIEWED:
            found.append(outcome)
    return found


def _records(repo: Repo, commits: set[str]) -> dict[str, list[Json]]:
    """The review records that stand on these commits, oldest first: in notes, and on their way there."""
    lines: dict[str, list[record.Record]] = {}
    for oid, note in notelines.notes(repo, _REF, commits):
        lines.setdefault(oid, []).extend(record.parse_note(note))
    for entry in spool.entries(repo):
        if entry.record is not None and entry.kind == "review" and entry.commit in commits:
            lines.setdefault(entry.commit, []).append(record.encode(entry.record))
    return {oid: record.standing(record.merge(found)) for oid, found in lines.items()}


def _trees(repo: Repo, commits: list[str]) -> list[tuple[str, str]]:
    asked = "".join(f"{oid}\n" for oid in commits).encode("ascii")
    options = ("--no-walk=unsorted", "--stdin", "--no-show-signature", "--no-notes", "--no-color", "--format=%H %T")
    output = git("log", *options, "--no-patch", cwd=repo.root, stdin=asked, timeout=TIMEOUT).decode("ascii")
    return [(oid, tree) for oid, _, tree in (line.partition(" ") for line in output.splitlines())]


def _patch_ids(repo: Repo, commits: list[str]) -> dict[str, str]:
    asked = "".join(f"{oid}\n" for oid in commits).encode("ascii")
    options = ("--stdin", "-p", "--root", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames")
    patches = git("diff-tree", *options, cwd=repo.root, stdin=asked, timeout=TIMEOUT)
    lines = git("patch-id", "--stable", cwd=repo.root, stdin=patches, timeout=TIMEOUT).decode("ascii").splitlines()
    return {oid: patch for patch, _, oid in (line.partition(" ") for line in lines)}


def _known_patches(line: Json) -> set[object]:
    """The patch ids that a record is good for; libgit2 gives two edits of a binary file the same one."""
    own = line.get("patch_id") if line.get("has_binary") is False else None
    return {line.get("commit_patch_id"), own} - {None}
