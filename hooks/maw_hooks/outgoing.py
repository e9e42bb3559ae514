"""What of a change leaves this machine: made without the values of secrets, and kept for later where it cannot go."""

from __future__ import annotations

from maw.attendant import outbox
from maw.attendant.redact import redact
from maw.config.load import Config
from maw.errors import FatalError
from maw.finding import Finding
from maw.git.repo import Repo, Staged
from maw.light import Any, NamedTuple
from maw.review import known, request
from maw.review import outcome as outcomes
from maw.review.outcome import Outcome
from maw.secrets.texts import Redacted


class Outgoing(NamedTuple):
    """A review's payload, redacted. `secrets` are those that the change adds; `digest` recognises the change."""

    payload: dict[str, Any]
    secrets: tuple[Finding, ...]
    skipped: tuple[dict[str, Any], ...]
    empty: bool
    digest: str


def prepare(repo: Repo, now: Staged, config: Config, deadline: float) -> Outgoing:
    """Raises GitError, GitTimeout and NotRedacted. `deadline` is a time.monotonic() value."""
    change = request.staged_change(repo, now, config.values["review.max_file_bytes"], deadline=deadline)

    def without_secrets(data: bytes) -> Redacted:
        if not change.diff:
            return Redacted(data, 0, ())  # which nobody sends
        return redact(data, config.values["secrets.allow"], repo.common_dir, deadline=deadline)

    payload, redacted = request.payload(change, config, request.repo_name(repo), without_secrets)
    return Outgoing(payload, redacted.findings, change.skipped, not change.diff, request.digest(payload))


class Kept(NamedTuple):
    """What became of a review that could not be had (yet). `entry` is its id in the outbox, `line` what to say."""

    entry: str | None = None
    line: str = ""


def keep(repo: Repo, now: Staged, config: Config, outcome: Outcome, outgoing: Outgoing) -> Kept:
    """Put a review that could not be had (yet) into the outbox."""
    if outcome.cause not in _TOLD:
        return Kept()
    entry = {
        "node": outcome.node,
        "mode": outbox.BACKGROUND if outcome.cause == outcomes.BACKGROUND else outbox.LATE,
        "tree": now.tree,
        "base": now.base,
        "head": now.head,
        "block_at": config.values["review.block_at"],
        "terms": known.terms(config),
        "chosen": config.origins["node"] == "environment",  # for this commit alone; else the setting may change
        "cause": outcome.cause,
        "why": outcome.reason,
    }
    try:
        kept = outbox.put(repo, entry, outgoing.payload, max_bytes=config.values["outbox.max_bytes"])
    except FatalError as exc:
        return Kept(None, f"{exc.message}; this one is not kept")
    except OSError as exc:
        return Kept(None, f"its review cannot be kept for later: {exc.strerror or exc}")
    return Kept(kept, _TOLD[outcome.cause].format(node=outcome.node))


_TOLD = {
    outcomes.UNREACHABLE: "it is reviewed when {node} is back (`maw outbox`)",
    outcomes.UNREADY: "it is reviewed once that is mended (`maw outbox`)",
    outcomes.DEADLINE: "the review goes on, and the commit's note will tell (`maw outbox`)",
    outcomes.BACKGROUND: "",
}
