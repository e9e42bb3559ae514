"""`maw-hook pre-commit`: review what is about to be committed."""

from __future__ import annotations

import time
from contextlib import closing

from maw.attendant import news, pending
from maw.attendant.redact import NotRedacted
from maw.config.load import Config
from maw.errors import INTERRUPTED
from maw.finding import Finding
from maw.git.repo import Repo, Staged, discover_at_head, staged_on
from maw.git.run import GitTimeout
from maw.light import Any, NamedTuple
from maw.reach import LOCAL, start_ahead
from maw.review import known, request
from maw.review import outcome as outcomes
from maw.review.follow import Ended, Found, Voided, follow
from maw.review.outcome import Outcome
from maw.review.progress import Progress
from maw.review.render import Printer
from maw.review.sifting import Sifter
from maw_hooks import enabled
from maw_hooks.decision import Decision, decide
from maw_hooks.gitstate import in_progress
from maw_hooks.outgoing import Kept, Outgoing, keep, prepare
from maw_hooks.talk import Talk

_NO_ANSWER = (outcomes.DEADLINE, outcomes.UNREACHABLE, outcomes.UNREADY, outcomes.FAILED)
OWN_TIME = 0.25  # seconds that a commit's hooks take beside the wait for a node, which together are connect_timeout


def run(talk: Talk) -> int:
    """Exit code: 0 lets the commit pass, 1 blocks it. Raises GitError and FatalError."""
    started = time.monotonic()
    repo, head = discover_at_head()
    if in_progress(repo.git_dir):
        return 0
    now = staged_on(repo, head)
    if now.tree == now.base:
        return 0  # an amended message, --allow-empty: nothing to review
    config = enabled.configuration(repo.worktree)
    if config is None:
        talk.say(enabled.NOT_SET_UP)
        return 0
    for line in [*enabled.problems(config), *news.take(repo)]:
        talk.say(line)
    change = _Change(talk, repo, now, config, Sifter(repo, now.tree))
    trouble = _trouble(config)
    if trouble is not None:
        talk.say(f"{trouble}; the commit goes unreviewed")
        outcome = outcomes.missed(outcomes.FAILED, trouble, node=config.values["node"])
        _remember(change, outcome, blocked=False, digest="")
        return 0
    wait = 0.0  # in the background nothing is waited for, this neither
    if config.values["review.mode"] == "block":
        start_ahead(config.values["node"], started - OWN_TIME)
        left = started + config.values["review.deadline"] - time.monotonic()
        wait = min(config.values["connect_timeout"], left)
    before = known.find(repo, now.tree, now.base, config, wait)
    return _reviewed_before(change, before) if before is not None else _review(change, started)


class _Change(NamedTuple):
    """What is about to be committed, where and on which terms, and what of its findings is told."""

    talk: Talk
    repo: Repo
    now: Staged
    config: Config
    sifter: Sifter


def _trouble(config: Config) -> str | None:
    """A setting with which no review is possible. That is no reason to keep a commit from being made."""
    node: str = config.values["node"]
    if node != LOCAL and node not in config.nodes:
        return f"there is no node called {node!r} (`maw node add {node} HOST`)"
    return None


def _reviewed_before(change: _Change, before: known.Known) -> int:
    """Git's diff is not needed, and of the node no more than the profile that it has."""
    outcome = change.sifter.sift(before.outcome)
    change.talk.lines(Printer().ended(outcome.findings))
    decision = _decided(change, outcome)
    change.talk.more(f"known since {before.ts}; `maw review --fresh` asks again")
    _remember(change, outcome, blocked=decision.blocked, digest="")
    return int(decision.blocked)


def _review(change: _Change, started: float) -> int:
    talk, repo, now, config, sifter = change
    node: str = config.values["node"]
    deadline = started + config.values["review.deadline"]
    outgoing: Outgoing | None = None
    try:
        outgoing = prepare(repo, now, config, deadline)
        outcome = _outcome(change, outgoing, deadline)
    except GitTimeout:
        outcome = outcomes.missed(outcomes.DEADLINE, "git had not told the change when the deadline passed", node=node)
    except NotRedacted as exc:
        outcome = outcomes.missed(outcomes.UNREDACTED, exc.message, node=node)
    except KeyboardInterrupt:
        talk.say("interrupted: the review is cancelled, nothing was committed")
        return INTERRUPTED
    digest = outgoing.digest if outgoing is not None else ""  # a change that could not be read is like no other
    if outgoing is not None and not outgoing.secrets:
        known.keep(repo, now.tree, now.base, known.terms(config), outcome)
    if outcome.cause in _NO_ANSWER and not _secrets(outgoing):
        outcome = _pending(change, digest) or outcome
    outcome = outcome if _secrets(outgoing) else sifter.sift(outcome)  # those are allowed by name, or not at all
    decision = _decided(change, outcome)
    kept = Kept()
    if outgoing is not None and not decision.blocked:
        kept = keep(repo, now, config, outcome, outgoing)
    if kept.line:
        talk.more(kept.line)
    _remember(change, outcome, blocked=decision.blocked, digest=digest, kept=kept.entry)
    return int(decision.blocked)


def _decided(change: _Change, outcome: Outcome) -> Decision:
    """What it means for the commit, which is told, too."""
    decision = decide(outcome, change.config)
    if change.sifter.trouble:
        change.talk.say(change.sifter.trouble)
    change.talk.say(decision.text)
    for line in decision.more:
        change.talk.more(line)
    return decision


def _outcome(change: _Change, outgoing: Outgoing, deadline: float) -> Outcome:
    """What comes of it now. A secret is found here: there is no need to send what must be changed anyhow."""
    config = change.config
    node: str = config.values["node"]
    if outgoing.secrets:
        change.talk.lines(Printer().ended(outgoing.secrets))
        reason = "the change adds a secret, so nothing was sent"
        return outcomes.missed(outcomes.FAILED, reason, node=node, findings=outgoing.secrets)
    if outgoing.empty:
        return outcomes.nothing(node, outgoing.skipped)
    if config.values["review.mode"] == "background":
        return outcomes.missed(outcomes.BACKGROUND, "it is reviewed in the background", node=node)
    return _follow(change, outgoing.payload, deadline)


def _secrets(outgoing: Outgoing | None) -> tuple[Finding, ...]:
    return outgoing.secrets if outgoing is not None else ()


def _follow(change: _Change, payload: dict[str, Any], deadline: float) -> Outcome:
    """Submit and print findings as they come, but for dismissed ones. Raises KeyboardInterrupt after the task is
    cancelled. Where a late one is allowed the node works on past the deadline, for the attendant to ask again (it keeps
    a task a while)."""
    talk, sifter = change.talk, change.sifter
    node: str = change.config.values["node"]
    goes_on = change.config.values["review.on_timeout"] == "allow"
    printer, progress = Printer(), Progress(node)
    left = max(deadline - time.monotonic(), 0.001)
    task = request.task(payload, deadline=None if goes_on else left)
    steps = follow(node, task, deadline=deadline, goes_on=goes_on)
    with talk.ticking(lambda: progress.text), closing(steps):
        for step in steps:
            if isinstance(step, Ended):
                talk.lines(printer.ended(sifter.sift(step.outcome).findings))
                return step.outcome
            if isinstance(step, Found):
                talk.lines([] if sifter.drops(step.finding) else printer.found(step.finding))
            elif isinstance(step, Voided):
                talk.say("the runner started the review over")
            progress.take(step)
            talk.progress(progress.text)
    raise AssertionError("a review without an end")


def _pending(change: _Change, digest: str) -> Outcome | None:
    """What an attempt before found in exactly this change, where the node cannot say it again: a blocked commit
    does not pass because the node went away."""
    talk, repo, now, config, sifter = change
    before = pending.match(repo, now.tree, [now.head])
    if before is None or before.get("request") != digest:
        return None
    try:
        outcome = outcomes.from_record(before)
    except ValueError:
        return None
    if outcome.status != outcomes.REVIEWED and not outcome.blocking(config.values["review.block_at"]):
        return None
    talk.lines(Printer().ended(sifter.sift(outcome).findings))
    node = config.values["node"]
    whose = "its" if outcome.node == node else f"{outcome.node}'s"
    talk.say(f"{node} does not answer now; this is {whose} review of the same change of {before['ts']}")
    return outcome


def _remember(change: _Change, outcome: Outcome, *, blocked: bool, digest: str, kept: str | None = None) -> None:
    """Leave the outcome for post-commit. `blocked` tells it, when the commit is there all the same, that `-n` was
    used; `request` lets a later attempt recognise the same change; `outbox` is what waits there for the commit. None
    of them becomes part of the note."""
    now, block_at = change.now, change.config.values["review.block_at"]
    data = outcomes.to_record(outcome, tree=now.tree, base=now.base, block_at=block_at)
    data |= {"blocked": blocked, "request": digest, "outbox": kept}
    try:
        pending.write(change.repo, now.tree, now.head, data)
    except OSError as exc:
        change.talk.say(f"the outcome cannot be kept for the commit's note: {exc.strerror or exc}")
