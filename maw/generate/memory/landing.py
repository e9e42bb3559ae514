"""Bring what was generated to the notes of the commits that contain it. Standard library only.

A commit has a generation when it is the same patch, or when it has enough of the lines that the generation added or
removed, in the same files or, almost all of them, in others (renamed meanwhile). It may hold more, and it may hold some
of the files only: then it gets a record that tells which, and the rest goes on waiting.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from typing import NamedTuple

from maw import change
from maw.attendant import spool
from maw.generate.memory import commits, remember, traces, waiting
from maw.generate.memory.commits import Made
from maw.generate.memory.traces import Trace
from maw.generate.memory.waiting import Json, Waiting
from maw.git import patchid
from maw.git.repo import Repo
from maw.git.run import GitError

BY_PATCH, BY_LINES = "patch", "lines"
ENOUGH = 0.3  # of a file's lines, in a commit that changed the same file: some may be in another one (`git add -p`)
ELSEWHERE, ELSEWHERE_MIN = 0.8, 3  # of a file's lines in another file, and how many these must be
ALL = 0.9  # of what was only printed: from there on it was accepted, not a part of it
log = logging.getLogger(__name__)


class Match(NamedTuple):
    """`lines` by path: those of the generation that a commit has."""

    how: str
    lines: dict[str, Trace]


class _Looked(NamedTuple):
    """A commit that was looked at: its traces by path (a renamed file's by both), and its patch id, None where that
    proves nothing."""

    made: Made
    traces: dict[str, Trace]
    patch_id: str | None


def land(repo: Repo) -> int:
    """Send what waits on its way to the notes of new commits; how many records. Each commit is looked at once. Cheap
    when nothing waits or no commit is new. Raises OSError."""
    entries = waiting.entries(repo)
    if not entries:
        return 0
    recent = commits.recent(repo)
    looked: dict[str, _Looked | None] = {}
    landed = 0
    for entry in entries:
        with contextlib.suppress(ValueError):  # damaged, and no record: it expires
            landed += _land(repo, entry, recent, looked)
    return landed


def _land(repo: Repo, entry: Waiting, recent: list[Made], looked: dict[str, _Looked | None]) -> int:
    new = [made for made in recent if made.commit not in entry.seen]
    if not new:
        return 0
    landed = 0
    for made in new:
        if made.commit not in looked:
            looked[made.commit] = _look(repo, made)
        found = looked[made.commit]
        matched = match(entry, found.traces, found.patch_id) if found is not None else None
        if found is not None and matched is not None:
            spool.put(repo, made.commit, _record(repo, entry, found, matched))
            entry = _left(entry, matched)
            landed += 1
        if landed and not entry.files:
            waiting.remove(repo, entry)
            return landed
    waiting.put(repo, entry._replace(seen=tuple(made.commit for made in recent)), durable=landed > 0)
    return landed


def match(entry: Waiting, found: Mapping[str, Trace], patch_id: str | None) -> Match | None:
    """What of a generation a commit with these traces has; None when that is too little to be it. Pure."""
    if not entry.files:
        return Match(BY_LINES, {})
    if patch_id is not None and patch_id == entry.record.get("patch_id"):
        return Match(BY_PATCH, entry.files)
    lines = {path: _matched(path, trace, found) for path, trace in entry.files.items()}
    lines = {path: trace for path, trace in lines.items() if trace}
    return Match(BY_LINES, lines) if lines else None


def _matched(path: str, trace: Trace, found: Mapping[str, Trace]) -> Trace:
    here = traces.found(trace, found.get(path, ()))
    if len(here) > ENOUGH * len(trace):
        return here
    for other in found.values():
        there = traces.found(trace, other)
        if len(there) >= max(ELSEWHERE * len(trace), ELSEWHERE_MIN):
            return there
    return []


def _left(entry: Waiting, matched: Match) -> Waiting:
    """What still waits: files of which no commit has anything, and large parts of others. Where few lines are missing
    they were changed by hand."""
    rest = {path: traces.without(trace, matched.lines.get(path, ())) for path, trace in entry.files.items()}
    return entry._replace(
        files={path: left for path, left in rest.items() if len(left) > ENOUGH * len(entry.files[path])}
    )


def _look(repo: Repo, made: Made) -> _Looked | None:
    try:
        diff, whole = commits.diff_of(repo, made)
        files = change.parse(diff)
        proves = whole and not any(file.binary for file in files)
        patch_id = patchid.of_patch(repo.common_dir, diff) if proves else None
    except (GitError, change.BadPatch) as exc:
        log.warning("%s: %s is not looked at: %s", repo.common_dir, made.commit, exc)
        return None
    found: dict[str, Trace] = {}
    for file in files:
        trace = traces.of_file(file)
        found[file.path] = trace
        found.setdefault(file.old_path, trace)
    return _Looked(made, found, patch_id)


def _record(repo: Repo, entry: Waiting, found: _Looked, matched: Match) -> Json:
    """The record of one commit. Whoever lands the same there once more writes the same line."""
    made, data = found.made, dict(entry.record)
    if data["status"] in (*remember.TAKEN, remember.OFFERED):
        share = sum(map(len, matched.lines.values())) / entry.whole if entry.whole else 1.0
        data["landed"] = {"how": matched.how, "share": round(share, 3), "paths": sorted(matched.lines)}
        if data["status"] == remember.OFFERED:
            data["status"] = remember.ACCEPTED if share >= ALL else remember.PARTLY
    base = commits.base_of(repo, made)
    place = {"head": made.commit, "tree": made.tree, "base": base, "commit_patch_id": found.patch_id}
    identity = hashlib.sha256(f"{entry.id}\0{made.commit}".encode()).hexdigest()[:24]
    return {**data, **place, "id": identity, "generation": entry.id}
