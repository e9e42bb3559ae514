"""What people say about findings: which finding an id means, and the record of what was said of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from maw import record
from maw.attendant import pending, spool
from maw.errors import FatalError
from maw.finding import Finding
from maw.git.repo import Repo, head_commit, tree_of
from maw.git.run import GitError, git
from maw.memory import waiting
from maw.memory.dismissals import DISMISSED, Around
from maw.memory.index import Index
from maw.review import known
from maw.review import outcome as outcomes
from maw.review.sifting import in_tree
from maw.secrets import UNIT as SECRET
from maw.text import one_line

SHORTEST = 4  # characters of an id's start
NAMED = 5  # ids that an ambiguous start is told to mean

Json = dict[str, Any]


class Place(NamedTuple):
    """A finding where it was found. `commit` is None while the change is none; `parent` is HEAD then."""

    finding: Finding
    ts: str
    tree: str | None
    base: str | None
    commit: str | None
    parent: str | None = None


def find(repo: Repo, index: Index, start: str) -> Place:
    """The newest finding whose id starts so. Raises FatalError when there is none, and when several are meant."""
    if len(start) < SHORTEST:
        raise FatalError(
            f"{start!r} is too short for a finding's id", hint="it is printed with the finding, in parentheses"
        )
    places = [place for place in _places(repo, index, start) if place.finding.id.startswith(start)]
    ids = sorted({place.finding.id for place in places})
    if start in ids:
        ids = [start]
    if not ids:
        raise FatalError(
            f"no finding is called {one_line(start)!r}", hint="`maw show COMMIT` prints a commit's, with ids"
        )
    if len(ids) > 1:
        named = ", ".join(one_line(found) for found in ids[:NAMED])
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        raise FatalError(f"{start!r} is the start of several findings' ids: {named}{more}", hint="give more of it")
    # Of one record on several commits the last place counts: the first may be on a commit that is gone (Index).
    meant = [place for place in reversed(places) if place.finding.id == ids[0]]
    return _settled(repo, max(meant, key=lambda place: (place.ts, place.commit is not None)), meant)


def _settled(repo: Repo, newest: Place, places: list[Place]) -> Place:
    """The newest, on the commit that was made of its tree meanwhile."""
    if newest.commit is not None:
        return newest
    for place in places:
        if place.commit is not None and place.tree == newest.tree:
            return place
    head = head_commit(repo)
    if head is not None and tree_of(repo, head) == newest.tree:
        return newest._replace(commit=head)
    return newest._replace(parent=newest.parent or head)


def _places(repo: Repo, index: Index, start: str) -> Iterator[Place]:
    for data in pending.all_waiting(repo):
        yield from _in_record(data, None, data.get("parent"))
    for data in known.records(repo):
        yield from _in_record(data, None, None)
    for entry in spool.entries(repo):
        if entry.record is not None and entry.kind == "review":
            yield from _in_record(entry.record, entry.commit, None)
    for commit, data in index.with_finding(start):
        yield from _in_record(data, commit, None)


def _in_record(data: Json, commit: str | None, parent: str | None) -> Iterator[Place]:
    tree, base = (data[key] if isinstance(data.get(key), str) else None for key in ("tree", "base"))
    for key in ("findings", "rejected"):
        items = data.get(key)
        for finding in outcomes.read_findings(items)[0] if isinstance(items, list) else ():
            yield Place(finding, str(data.get("ts")), tree, base, commit, parent)


def say(repo: Repo, place: Place, status: str, reason: str) -> Json:
    """Record `status` about a finding, on its commit's note or waiting for the commit; the record. Raises FatalError
    for what cannot be dismissed, and OSError."""
    if status == DISMISSED and place.finding.unit == SECRET:
        raise FatalError(
            f"{place.finding.id} is a secret that a change adds, which cannot be dismissed",
            hint="`maw docs security#secrets`: `secrets.allow` names values that are no secrets",
        )
    data = _record(repo, place, status, reason)
    if place.commit is not None:
        spool.put(repo, place.commit, data)
    else:
        waiting.put(repo, place.parent, data)
    return data


def _record(repo: Repo, place: Place, status: str, reason: str) -> Json:
    near = in_tree(repo, place.tree, place.finding) if place.tree is not None else Around()
    finding = {key: value for key, value in place.finding.to_json().items() if key not in ("unit", "confidence")}
    data: Json = {
        "v": record.VERSION,
        "id": record.new_id(),
        "ts": record.now(),
        "kind": "feedback",
        "status": status,
        "tree": place.tree,
        "base": place.base,
        "finding": finding,
        "around": near.to_json(),
        "by": identity(repo),
    }
    if place.commit is not None:
        data["head"] = place.commit
    if reason:
        data["reason"] = reason
    return data


def identity(repo: Repo) -> str:
    """`Name <email>` of whoever would commit now; empty where git knows none."""
    try:
        said = git("var", "GIT_AUTHOR_IDENT", cwd=repo.root).decode("utf-8", "replace")
    except GitError:
        return ""
    return said.rpartition("> ")[0] + ">"


class Undone(NamedTuple):
    """The record that was taken back, and the commits on whose notes it stood; none while it waited for its commit."""

    record: Json
    commits: list[str]


def undo(repo: Repo, index: Index) -> Undone | None:
    """Take back the last thing that this person said; None when there is nothing. Raises OSError."""
    me = identity(repo)
    waits = [entry for entry in waiting.entries(repo) if entry.record.get("by") == me]
    noted = index.last_feedback(me)
    if waits and (noted is None or waits[-1].record["ts"] > noted["ts"]):
        waiting.remove(waits[-1])
        return Undone(waits[-1].record, [])
    if noted is None:
        return None
    commits = index.commits_with(str(noted["id"]))
    for commit in commits:
        retraction = {"v": record.VERSION, "id": record.new_id(), "ts": record.now(), "kind": "retract"}
        spool.put(repo, commit, {**retraction, "retracts": noted["id"]}, ref_kind="feedback")
    return Undone(noted, commits)
