"""Deliver the spool: each record into its commit's note, then its file goes. Needs pygit2; the attendant calls it,
and so does the next maw command when there was no attendant.

Where git amended or rebased the commit before, it had no note to carry along: the record is then written on the new
commit too."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import NamedTuple

from maw.attendant import spool
from maw.attendant.whereabouts import Whereabouts
from maw.errors import FatalError
from maw.git import patchid, refs
from maw.git.libgit import sync_to_disk
from maw.git.notes import Notes
from maw.git.objects import Objects, TooLarge
from maw.git.repo import Repo
from maw.git.run import of, try_line
from maw.record import Json, Record, encode

_IN_THE_WAY = refs.NOTES.rstrip("/")
log = logging.getLogger(__name__)


def drain(repo: Repo) -> int:
    """Write what waits in the spool as notes, one update of each ref; how many records were not in theirs.

    A file goes once its record is still in the note spool.SETTLE seconds after it was written. Killed at any point,
    the next call does the rest. What can never become a note is set aside. Raises FatalError, and nothing else, when
    the notes cannot be written; the files then stay.
    """
    sync_to_disk()  # a spool file may only go once its note would survive a power cut
    try:
        return _deliver(repo, Notes(repo))
    except FatalError as exc:
        raise FatalError(exc.message, hint=_in_the_way(repo) or exc.hint) from exc
    except OSError as exc:
        raise FatalError(f"notes cannot be written in {repo.root}: {exc}", hint=_in_the_way(repo)) from exc


def _in_the_way(repo: Repo) -> str | None:
    """What to do about a ref with the name of our refs' folder, a slip of the hand: --ref=maw. None when there is
    none."""
    if try_line(*of(repo.common_dir), "rev-parse", "--verify", "--quiet", _IN_THE_WAY, cwd=repo.common_dir) is None:
        return None
    away = f"git update-ref refs/notes/other {_IN_THE_WAY} && git update-ref -d {_IN_THE_WAY}"
    return f"{_IN_THE_WAY} is where maw's notes need a folder; `{away}` renames it"


def _deliver(repo: Repo, notes: Notes) -> int:
    missing, unread = _looked_for(repo, notes)
    _write(notes, missing)
    for found in missing:
        spool.written(found.entry)
    if unread is not None:
        raise unread
    return len(missing)


def _looked_for(repo: Repo, notes: Notes) -> tuple[list[_Missing], FatalError | None]:
    """What is not in its notes, and why a note cannot be read now: that keeps no record of another one waiting."""
    missing: list[_Missing] = []
    unread: FatalError | None = None
    where = Whereabouts(repo)
    for entry in spool.entries(repo):
        if not _usable(repo, notes, entry):
            continue
        try:
            commits = [commit for commit in _homes(where, entry) if not _noted(notes, entry, commit)]
        except TooLarge as exc:  # a stranger's note on that commit
            _set_aside(repo, entry, exc.message)
            continue
        except FatalError as exc:
            unread = exc
            continue
        if commits:
            record = _encoded(repo, notes, entry)
            missing += [_Missing(entry, record, commits)] if record is not None else []
        elif spool.settled(entry):
            spool.remove(entry)
    return missing, unread


class _Missing(NamedTuple):
    """A record, and the commits whose notes lack it."""

    entry: spool.Entry
    record: Record
    commits: list[str]


def _homes(where: Whereabouts, entry: spool.Entry) -> list[str]:
    """The commit, and what git made of it meanwhile: where git would have carried the note, had there been one."""
    now = where.rewritten(entry.commit)
    return [entry.commit] if now is None else [entry.commit, now]


def _noted(notes: Notes, entry: spool.Entry, commit: str) -> bool:
    assert entry.record is not None
    return any(record.id == entry.record["id"] for record in notes.read(entry.kind, commit))


def _encoded(repo: Repo, notes: Notes, entry: spool.Entry) -> Record | None:
    """The line to write; None, and the entry is set aside, when it can be none (too long, too deep)."""
    assert entry.record is not None
    try:
        return encode(completed(notes.objects, entry.commit, entry.record))
    except (ValueError, RecursionError) as exc:
        _set_aside(repo, entry, str(exc))
        return None


def _write(notes: Notes, missing: list[_Missing]) -> None:
    by_kind: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for entry, record, commits in missing:
        for commit in commits:
            by_kind[entry.kind][commit].append(record)
    for kind, additions in by_kind.items():
        notes.append_many(kind, additions)


def completed(objects: Objects, commit: str, record: Json) -> Json:
    """The record with the patch ids, which its writer had no library for. Null: they cannot be told."""
    tree, base = record.get("tree"), record.get("base")
    if "patch_id" in record or not isinstance(tree, str) or not isinstance(base, str):
        return record
    found = objects.patch_id(base, tree)
    noted = objects.commit(commit)
    whole = patchid.of_commit(objects, noted) if noted is not None else None
    return {
        **record,
        "patch_id": found and found.patch_id,
        "has_binary": found and found.has_binary,
        "commit_patch_id": whole.patch_id if whole is not None and not whole.has_binary else None,
    }


def _usable(repo: Repo, notes: Notes, entry: spool.Entry) -> bool:
    trouble = entry.trouble
    if not trouble and not _may_have_a_note(notes, entry):
        trouble = f"commit {entry.commit} does not exist (any more)"
    if trouble:
        _set_aside(repo, entry, trouble)
    return not trouble


def _may_have_a_note(notes: Notes, entry: spool.Entry) -> bool:
    """What a person said holds for the code wherever that stands, so it is kept on a commit that others have, too: of
    a review that came from there."""
    said = entry.kind == "feedback" and len(entry.commit) == notes.objects.oid_length
    return said or notes.objects.commit(entry.commit) is not None


def _set_aside(repo: Repo, entry: spool.Entry, trouble: str) -> None:
    log.warning("%s: %s; moved to spool/bad", entry.path, trouble)
    spool.set_aside(repo, entry)
