"""Cherry-picked commits: git copies no notes to them, and hooks leave them alone, so their source is looked for here.

The newest review of the source is written on the new commit once more, as a record of its own with `linked`: which
commit and record it is from, and how that was known (docs/records.md). The attendant does it, and the next maw command.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from maw import files, paths
from maw.attendant import outbox, spool
from maw.attendant.whereabouts import Whereabouts
from maw.errors import FatalError
from maw.git import patchid
from maw.git.repo import Repo
from maw.git.run import GitError, git, no_git_env, of
from maw.git.worktrees import git_dirs
from maw.memory.index import Index
from maw.record import Record, encode, standing

if TYPE_CHECKING:
    from maw.git.notes import Notes

RECENT = 50  # entries of each worktree's reflog
SEEN_MAX = 1000  # picked commits that are remembered as looked at
_ACTIONS = ("cherry-pick", "commit (cherry-pick)")
_NAMED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{40,64})\)$", re.MULTILINE)
BY_NAME, BY_PATCH = "message", "patch"

Json = dict[str, Any]


class Picked(NamedTuple):
    """A commit that a cherry-pick made. `named` is the source as `-x` writes it, None without."""

    commit: str
    named: str | None


class Sources(NamedTuple):
    """Commits and the reviews on them, the source of a pick among them; `how` that was known."""

    how: str
    here: list[tuple[str, Json]]


def link(repo: Repo) -> int:
    """Write the review of its source on each cherry-picked commit that has none; how many were written. Each is looked
    at once. Cheap when there is none. Raises FatalError and OSError."""
    seen = _seen(repo)
    new = [found for found in _picked(repo) if found.commit not in seen]
    if not new:
        return 0
    from maw.git.notes import Notes  # pygit2: most commands find nothing new

    coming = _coming(repo)
    notes = Notes(repo)
    with Index(repo) as index:
        index.refresh()
        sources = {found: _sources(notes, index, found) for found in new}
    additions = {found.commit: _record(found, reviews) for found, reviews in sources.items()}
    made = {commit: [encode(data)] for commit, data in additions.items() if data is not None}
    if made:
        notes.append_many("review", _also_rewritten(repo, made))
    open_still = {found.commit for found in new if _may_come(sources[found], coming)} - made.keys()
    _remember(repo, [*seen, *(found.commit for found in new if found.commit not in open_still)])
    return len(made)


class _Coming(NamedTuple):
    """The commits with a review that is no note yet: in the spool, or awaited in the outbox."""

    spooled: set[str]
    awaited: set[str]


def _coming(repo: Repo) -> _Coming:
    spooled = {entry.commit for entry in spool.entries(repo) if entry.kind == "review"}
    return _Coming(spooled, {entry.commit for entry in outbox.entries(repo) if entry.commit is not None})


def _may_come(sources: Sources | None, coming: _Coming) -> bool:
    """Whether a review may still come to where a commit was picked from. By its patch that is known once a record is a
    note: the one that says that the review is awaited is enough."""
    if sources is None:
        return False
    if not sources.here:
        return bool(coming.spooled)
    return any(commit in coming.spooled | coming.awaited for commit, _ in sources.here)


def _also_rewritten(repo: Repo, made: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """The same on what git made of a picked commit meanwhile."""
    where = Whereabouts(repo)
    now = {where.rewritten(commit): records for commit, records in made.items()}
    return {**{commit: records for commit, records in now.items() if commit is not None}, **made}


def _sources(notes: Notes, index: Index, picked: Picked) -> Sources | None:
    """What is recorded where a commit may have been picked from; None when it has a review of its own."""
    if any(data["kind"] == "review" for data in standing(notes.read("review", picked.commit))):
        return None
    if picked.named is not None:
        return Sources(BY_NAME, [(picked.named, data) for data in _noted(notes, picked.named)])
    found = index.with_patch(_patch_id(notes, picked.commit))
    return Sources(BY_PATCH, [(commit, data) for commit, data in found if commit != picked.commit])


def _record(picked: Picked, sources: Sources | None) -> Json | None:
    """The review to write on a picked commit; None when it has one, or its source has none."""
    if sources is None:
        return None
    reviews = [(commit, data) for commit, data in sources.here if data.get("status") == "reviewed"]
    if not reviews:
        return None
    how = sources.how
    source, data = max(reviews, key=lambda item: (str(item[1].get("ts")), str(item[1].get("id"))))
    # Of two clones that find the same, both write the same line.
    made = hashlib.sha256(f"{data['id']}\0{picked.commit}".encode()).hexdigest()[:24]
    return {**data, "id": made, "linked": {"commit": source, "record": data["id"], "how": how}}


def _noted(notes: Notes, commit: str) -> list[Json]:
    try:
        return [data for data in standing(notes.read("review", commit)) if data["kind"] == "review"]
    except (ValueError, FatalError):
        return []  # the message names what is no commit of this repository, or has a stranger's note


def _patch_id(notes: Notes, commit: str) -> str | None:
    found = notes.objects.commit(commit)
    patch = patchid.of_commit(notes.objects, found) if found is not None else None
    return patch.patch_id if patch is not None and not patch.has_binary else None


def _picked(repo: Repo) -> Iterator[Picked]:
    for git_dir in git_dirs(repo):
        options = ("--no-show-signature", "--no-notes", "--no-color", "--no-patch", "--format=%H%x00%gs%x00%B%x1e")
        command = (*of(git_dir), "log", "--walk-reflogs", f"-{RECENT}", *options, "HEAD", "--")
        try:
            output = git(*command, cwd=git_dir, env=no_git_env()).decode("utf-8", "replace")
        except GitError:
            continue  # no commit yet, or a worktree that is gone
        for entry in output.split("\x1e"):
            commit, _, rest = entry.strip().partition("\0")
            action, _, message = rest.partition("\0")
            if action.partition(":")[0] in _ACTIONS:
                named = _NAMED.findall(message)
                yield Picked(commit, named[-1] if named else None)


def _path(repo: Repo) -> str:
    return os.path.join(repo.maw_dir, "picked.json")


def _seen(repo: Repo) -> list[str]:
    try:
        found = json.loads(files.read_bounded(_path(repo)) or b"[]")
    except (ValueError, OSError, RecursionError):
        return []
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _remember(repo: Repo, commits: list[str]) -> None:
    paths.make_private_dir(repo.maw_dir)
    files.write_atomic(_path(repo), json.dumps(commits[-SEEN_MAX:]).encode("ascii"))
