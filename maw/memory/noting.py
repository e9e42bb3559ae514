"""Put a review that somebody asked for by hand into its commit's note. Needs pygit2."""

from __future__ import annotations

from maw import record
from maw.attendant import outbox, spool
from maw.errors import FatalError
from maw.git.notes import Notes
from maw.git.repo import Repo
from maw.record import Json, standing
from maw.review import outcome as outcomes

_TOLD = ("status", "verdict", "model", "profile", "tree", "base")  # what two reviews that say the same have in common


def note(repo: Repo, commit: str, data: Json, *, known: bool) -> list[str]:
    """Write `data`, a review of all that `commit` changes, as a record of that; lines to say about it.

    It takes the place of records that say that there was no review, and what waits in the outbox for this one no longer
    has to. A `known` one of which the newest record says the same already is not written again. Raises OSError, and
    FatalError when the note cannot be written; the record then waits in the spool.
    """
    before = _recorded(repo, commit)
    settled = [str(line["id"]) for line in before if _is_settled(line, data)]
    if known and not settled and before and _says_the_same(before[-1], data):
        return []
    newest = {"supersedes": settled[-1]} if settled else {}
    spool.put(repo, commit, {**data, "head": commit, **newest})
    for earlier in settled[:-1]:  # a record can take the place of one only
        spool.put(repo, commit, _retraction(earlier), ref_kind="review")
    told = [line for line in (spool.trim(repo), _no_longer_waits(repo, commit, data)) if line]
    spool.drain(repo)
    return told


def _recorded(repo: Repo, commit: str) -> list[Json]:
    """The reviews that stand on a commit, oldest first; none where that cannot be told now."""
    try:
        spool.drain(repo)
        return [line for line in standing(Notes(repo).read("review", commit)) if line["kind"] == "review"]
    except FatalError:
        return []  # writing will say why


def _is_settled(line: Json, by: Json) -> bool:
    """Whether a record that there was no review, or half of one, has nothing to say any more."""
    missing = line.get("status")
    return missing == outcomes.UNREVIEWED or (missing == outcomes.INCOMPLETE and by["status"] == outcomes.REVIEWED)


def _says_the_same(line: Json, data: Json) -> bool:
    same = all(line.get(key) == data.get(key) for key in _TOLD)
    return same and all(_ids(line, key) == _ids(data, key) for key in ("findings", "dismissed", "rejected"))


def _ids(line: Json, key: str) -> set[str]:
    items = line.get(key)
    found = items if isinstance(items, list) else []
    return {str(item.get("id") if isinstance(item, dict) else item) for item in found}


def _retraction(earlier: str) -> Json:
    return {"v": record.VERSION, "id": record.new_id(), "ts": record.now(), "kind": "retract", "retracts": earlier}


def _no_longer_waits(repo: Repo, commit: str, data: Json) -> str:
    if data["status"] != outcomes.REVIEWED:
        return ""
    waiting = [entry for entry in outbox.entries(repo) if entry.commit == commit]
    for entry in waiting:
        outbox.remove(repo, entry.id)
    return f"what waited in the outbox for {commit[:10]} is settled by this" if waiting else ""
