"""Send what waits in the outbox, and make notes of what comes back. The attendant calls it, and `maw outbox flush`.

Killed at any point, the next call does the rest: a node joins equal requests, and a record has the id of its entry, so
that it is written once.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from maw import client, files, models, reach
from maw.attendant import news, notify, outbox, spool
from maw.attendant.outbox import Entry
from maw.attendant.whereabouts import Whereabouts
from maw.config.load import Config, load
from maw.errors import ApiError, FatalError, NodeError
from maw.git.repo import Repo
from maw.record import standing
from maw.review import known, request
from maw.review import outcome as outcomes
from maw.review.follow import finished
from maw.review.outcome import Outcome
from maw.review.render import tally

Json = dict[str, Any]

FIRST_LOOK, LAST_LOOK = 0.1, 2.0  # seconds between two looks at a task; the time doubles
SUBMIT_TIMEOUT = 30.0
_TRY_AGAIN = (404, 408, 429)  # and 5xx: the node cannot do it now, or was asked for a task that it has forgotten

log = logging.getLogger(__name__)

DELIVERED, DROPPED, LATER, FAILED = "delivered", "dropped", "later", "failed"
Away = dict[str, tuple[str, str]]  # by node that cannot be had now: the state of what goes to it, and why


class AtIt(FatalError):
    """Another process delivers this outbox."""


class Attempt(NamedTuple):
    """What came of one entry: `delivered`, `dropped` (nobody needs it any more), `later` (to be tried again) or
    `failed` (not before something changes)."""

    entry: Entry
    state: str
    text: str


def goes_to(entry: Entry, config: Config) -> str:
    """The node that is asked: what `node` names now, whatever that was at the commit. One that was chosen for that
    commit alone (MAW_NODE) is kept, and so is one that was set, while `node` names none that is there."""
    own, present = entry.data["node"], config.values["node"]
    stays = entry.data.get("chosen") is True or not _is_there(present, config)
    return str(own if stays and _is_there(own, config) else present)


def _is_there(node: str, config: Config) -> bool:
    return node == reach.LOCAL or node in config.nodes


def attempts(
    repo: Repo,
    stopping: threading.Event,
    told: Callable[[Entry, str], None] | None = None,
    *,
    environ: dict[str, str] | None = None,
) -> Iterator[Attempt]:
    """Try each entry whose commit is made, once. Calls `told` before each, with the node that is asked. `environ` has
    the variables that count beside the user's file.

    Raises AtIt while another process does that, and OSError and FatalError when what came cannot be kept; the entry
    then stays.
    """
    if not outbox.ids(repo):
        return
    # Two at once would do the same work twice, and no harm.
    lock = files.try_lock(os.path.join(outbox.directory(repo), "lock"), needed=False)
    if lock is None:
        raise AtIt("another process sends what waits in the outbox", hint="`maw outbox` shows what is left")
    try:
        config = load(strict=False, environ=environ)
        for gone in outbox.expire(repo, config.values["outbox.max_age"]):
            log.warning("%s: %s was given up after outbox.max_age", repo.common_dir, gone.id)
        away: Away = {}
        where = Whereabouts(repo)  # one for all: it looks when all of them are committed
        for entry in outbox.entries(repo):
            if entry.commit is None or stopping.is_set():
                continue
            if told is not None:
                told(entry, goes_to(entry, config))
            yield _attempt(repo, entry, config, stopping, away=away, where=where)
    finally:
        os.close(lock)


def _attempt(
    repo: Repo, entry: Entry, config: Config, stopping: threading.Event, *, away: Away, where: Whereabouts
) -> Attempt:
    node = goes_to(entry, config)
    if node in away:  # first: of a rewritten commit it takes many diffs to find out what it is now
        return Attempt(entry, *away[node])
    if _reviewed(repo, entry, where):
        outbox.remove(repo, entry.id)
        return Attempt(entry, DROPPED, f"{str(entry.commit)[:10]} was reviewed meanwhile")
    if not _is_there(node, config):
        return Attempt(entry, FAILED, f"there is no node called {node!r}; `maw config set node NAME` names another")
    payload = outbox.payload(repo, entry)
    if payload is None:
        return Attempt(entry, FAILED, "its file is damaged; it was moved to outbox/bad")
    try:
        outcome = _outcome(node, entry, payload, stopping)
    except NodeError as exc:
        away[node] = (LATER, exc.message)
        return Attempt(entry, *away[node])
    except ApiError as exc:
        if exc.status in _TRY_AGAIN or exc.status >= 500:
            return Attempt(entry, LATER, exc.message)
        outcome = outcomes.missed(outcomes.FAILED, f"{node} refused the review: {exc.message}", node=node)
    if outcome is None:
        return Attempt(entry, LATER, "it is being reviewed")
    if outcome.cause == outcomes.UNREADY:  # a person mends that, so nobody asks again every minute
        outbox.hinder(repo, entry, str(outcome.reason))
        away[node] = (FAILED, str(outcome.reason))
        return Attempt(entry, *away[node])
    return _noted(repo, entry, outcome, config)


def _outcome(node: str, entry: Entry, payload: Json, stopping: threading.Event) -> Outcome | None:
    """What came of it; None when we are told to stop before. A node that could not review is looked at first: each task
    that fails there stands in its queue. Raises NodeError and ApiError."""
    lacking = models.lacking(node) if entry.to_mend else None
    if lacking is not None:
        return outcomes.missed(outcomes.UNREADY, f"{node} cannot review: {lacking}", node=node)
    task = _done(node, payload, stopping)
    return None if task is None else finished(node, task)


def _reviewed(repo: Repo, entry: Entry, where: Whereabouts) -> bool:
    """Whether a review of this very change is on its commit, or on what git made of that."""
    from maw.git.notes import Notes  # pygit2: only where something can be sent

    notes = Notes(repo)
    assert entry.commit is not None
    commits = {entry.commit, where.of_change(entry.commit, entry.data["tree"], entry.data["base"])}
    try:
        noted = [line for commit in commits if commit is not None for line in standing(notes.read("review", commit))]
    except FatalError as exc:  # a stranger's note there, or one that is gone: no reason to keep the others waiting
        log.warning("%s: %s", repo.common_dir, exc.message)
        return False
    change = (entry.data["tree"], entry.data["base"])
    return any(
        line.get("status") == outcomes.REVIEWED and (line.get("tree"), line.get("base")) == change for line in noted
    )


def _done(node: str, payload: Json, stopping: threading.Event) -> Json | None:
    """The task of this review once it has ended; None when we are told to stop before. Raises NodeError, ApiError."""
    asked = {**request.task(payload), "priority": "background", "keep": True}
    task = client.submit(node, asked, timeout=SUBMIT_TIMEOUT)
    pause = FIRST_LOOK
    while task.get("state") not in client.TERMINAL:
        if stopping.wait(pause):
            return None
        pause = min(pause * 2, LAST_LOOK)
        task = client.request(node, "GET", f"/api/v1/tasks/{task.get('id')}")
        if not isinstance(task, dict):
            raise NodeError("lost", f"{node} answered with something else than a task")
    return task


def _noted(repo: Repo, entry: Entry, outcome: Outcome, config: Config) -> Attempt:
    """The outcome on its way to the note of the commit that was made. It takes the place of the record that said that
    there was none."""
    data = entry.data
    assert entry.commit is not None
    where = Whereabouts(repo)
    commit = where.of_change(entry.commit, data["tree"], data["base"])
    if commit is None:
        outbox.remove(repo, entry.id)
        return Attempt(entry, DROPPED, "its commit is gone")
    record = outcomes.to_record(outcome, tree=data["tree"], base=data["base"], block_at=data["block_at"])
    record |= {"id": entry.id, "head": entry.commit, "late": True, "supersedes": entry.record}
    spool.put(repo, _home(where, entry.commit, commit), record)
    outbox.remove(repo, entry.id)
    if isinstance(data.get("terms"), str) and outcome.node == data["node"]:
        known.keep(repo, data["tree"], data["base"], data["terms"], outcome)
    text = _told(outcome, data["block_at"])
    try:
        news.put(repo, entry.id, f"{commit[:10]} was reviewed meanwhile: {text}; `maw show {commit[:10]}`")
    except OSError as exc:
        log.warning("%s: %s", repo.common_dir, exc)
    if config.values["notify"]:
        notify.show(f"maw: {request.repo_name(repo)}", f"{commit[:10]}: {text}")
    return Attempt(entry, DELIVERED, f"{commit[:10]}: {text}")


def _home(where: Whereabouts, old: str, now: str) -> str:
    """Where to hand the record in. Of a commit that git rewrote it is written on both (writer.py): on the old one, too,
    it takes the place of the record that there was no review."""
    return old if where.rewritten(old) == now and where.exists(old) else now


def _told(outcome: Outcome, block_at: str) -> str:
    """The outcome in a few words."""
    if outcome.status == outcomes.UNREVIEWED:
        return f"not reviewed: {outcome.reason}"
    found = tally(outcome.findings) if outcome.findings else "nothing found"
    return f"{outcome.verdict(block_at)}: {found}"
