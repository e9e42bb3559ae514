"""Deliver the spool: each record into its commit's note, then its file goes. Needs pygit2; the attendant calls it,
and so does the next maw command when there was no attendant."""

from __future__ import annotations

import logging
from collections import defaultdict

import pygit2

from maw.attendant import spool
from maw.git import patchid
from maw.git.libgit import find, get, told_plainly
from maw.git.notes import Notes
from maw.git.repo import Repo
from maw.record import Json, Record, encode

log = logging.getLogger(__name__)


def sync_to_disk() -> None:
    """Make libgit2 sync what it writes: a spool file may only go once its note would survive a power cut."""
    pygit2.option(pygit2.enums.Option.ENABLE_FSYNC_GITDIR, True)


def drain(repo: Repo) -> int:
    """Write what waits in the spool as notes, one update of each ref; how many records were not in theirs.

    A file goes once its record is still in the note spool.SETTLE seconds after it was written. Killed at any point,
    the next call does the rest. Raises FatalError when the notes cannot be written; the files then stay.
    """
    sync_to_disk()
    with told_plainly(repo):
        return _deliver(repo, Notes(repo))


def _deliver(repo: Repo, notes: Notes) -> int:
    missing: list[spool.Entry] = []
    for entry in spool.entries(repo):
        if not _usable(repo, notes, entry):
            continue
        if not _noted(notes, entry):
            missing.append(entry)
        elif spool.settled(entry):
            spool.remove(entry)
    _write(notes, missing)
    for entry in missing:
        spool.written(entry)
    return len(missing)


def _noted(notes: Notes, entry: spool.Entry) -> bool:
    assert entry.record is not None
    return any(record.id == entry.record["id"] for record in notes.read(entry.kind, entry.commit))


def _write(notes: Notes, entries: list[spool.Entry]) -> None:
    by_kind: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        assert entry.record is not None
        by_kind[entry.kind][entry.commit].append(encode(completed(notes.repository, entry.commit, entry.record)))
    for kind, additions in by_kind.items():
        notes.append_many(kind, additions)


def completed(repository: pygit2.Repository, commit: str, record: Json) -> Json:
    """The record with the patch ids, which its writer had no library for. Null: they cannot be told."""
    tree, base = record.get("tree"), record.get("base")
    if "patch_id" in record or not isinstance(tree, str) or not isinstance(base, str):
        return record
    found = patchid.of_trees(repository, base, tree)
    whole = patchid.of_commit(repository, get(repository, commit, pygit2.Commit))
    return {
        **record,
        "patch_id": found and found.patch_id,
        "has_binary": found and found.has_binary,
        "commit_patch_id": whole.patch_id if whole is not None and not whole.has_binary else None,
    }


def _usable(repo: Repo, notes: Notes, entry: spool.Entry) -> bool:
    trouble = entry.trouble
    if not trouble and find(notes.repository, entry.commit, pygit2.Commit) is None:
        trouble = f"commit {entry.commit} does not exist (any more)"
    if trouble:
        log.warning("%s: %s; moved to spool/bad", entry.path, trouble)
        spool.set_aside(repo, entry)
    return not trouble
