"""What came of a review, before anybody judges it. Standard library only (hook path)."""

from __future__ import annotations

from maw import record
from maw.finding import TEXT_MAX, Finding, finding_from_json, gate
from maw.light import Any, NamedTuple
from maw.text import flat

Json = dict[str, Any]

REVIEWED = "reviewed"
INCOMPLETE = "incomplete"
UNREVIEWED = "unreviewed"

# Why something was not reviewed; each has a setting of its own for what happens to the commit.
DEADLINE = "deadline"
UNREACHABLE = "unreachable"
FAILED = "failed"
UNREADY = "unready"  # the node cannot review anything, for want of its model most often: it is done once that is mended
UNREDACTED = "unredacted"  # the values of secrets could not be taken out, so nothing was sent
BACKGROUND = "background"  # nobody waits for it: review.mode

# What a node may tell in one answer. More findings than that count as unreadable, so that none is lost in silence.
FINDINGS_MAX = 1000
SKIPPED_MAX = 10_000


class Outcome(NamedTuple):
    """`status` is reviewed, incomplete (a part was not) or unreviewed (nothing was). `cause` is one of
    those above unless it is reviewed; `reason` says the same for people. The verdict is no part of it:
    the gate is applied at each use."""

    status: str
    cause: str | None
    reason: str | None
    findings: tuple[Finding, ...]
    skipped: tuple[Json, ...]
    units: Json  # {"total", "done", "failed", "reused"}; the reused ones are done
    model: str
    profile: str
    stats: Json
    node: str
    task: str | None
    rejected: tuple[Finding, ...] = ()  # what the model took back when asked again; no part of the verdict
    dismissed: tuple[Finding, ...] = ()  # what people dismissed, no part of it either; told apart at each use

    def verdict(self, block_at: str) -> str:
        return gate(self.findings, block_at=block_at, incomplete=self.status != REVIEWED)

    def blocking(self, block_at: str) -> int:
        """How many findings block."""
        return sum(gate([finding], block_at=block_at, incomplete=False) == "block" for finding in self.findings)


NO_UNITS: Json = {"total": 0, "done": 0, "failed": 0, "reused": 0}
NO_STATS: Json = {
    "prompt_tokens": 0,
    "cached_tokens": 0,
    "completion_tokens": 0,
    "first_token_ms": None,
    "elapsed_ms": None,
    "tokens_per_s": None,
}


def nothing(node: str, skipped: tuple[Json, ...] = ()) -> Outcome:
    """The outcome of an empty change: there is nothing in it to find."""
    return Outcome(REVIEWED, None, None, (), skipped, NO_UNITS, "", "", NO_STATS, node, None)


def missed(
    cause: str,
    reason: str,
    *,
    node: str,
    task: str | None = None,
    findings: tuple[Finding, ...] = (),
    skipped: tuple[Json, ...] = (),
    units: Json | None = None,
) -> Outcome:
    """The outcome of a review that did not end: incomplete when some units were done, else unreviewed."""
    units = dict(units or NO_UNITS)
    status = INCOMPLETE if units["done"] or findings else UNREVIEWED
    return Outcome(status, cause, _word(reason), findings, skipped, units, "", "", NO_STATS, node, _task(task))


def from_result(result: object, *, node: str, task: str, model: str = "", profile: str = "") -> Outcome:
    """Read a finished review's result. What cannot be read counts as not reviewed, never as clean."""
    if not isinstance(result, dict) or not isinstance(result.get("findings"), list):
        return missed(FAILED, "the node's answer is not a review", node=node, task=task)
    findings, bad = read_findings(result["findings"])
    units = _units(result.get("units"))
    if units is None:
        return missed(FAILED, "the node's answer has no unit counts", node=node, task=task, findings=findings)
    units["failed"] += bad
    units["done"] = max(units["done"] - bad, 0)
    failed = max(units["failed"], units["total"] - units["done"])
    return Outcome(
        status=INCOMPLETE if failed else REVIEWED,
        cause=FAILED if failed else None,
        reason=f"{failed} of {max(units['total'], failed)} units could not be reviewed" if failed else None,
        findings=findings,
        skipped=read_skipped(result.get("skipped")),
        units=units,
        model=_word(result.get("model")) or _word(model),
        profile=_word(result.get("profile")) or _word(profile),
        stats=_stats(result.get("stats")),
        node=node,
        task=_task(task),
        rejected=_rejected(result.get("rejected")),
    )


def read_findings(items: list[object]) -> tuple[tuple[Finding, ...], int]:
    """The well-formed ones, each once, and how many were not, or were too many."""
    found: dict[tuple[str, int, str], Finding] = {}
    bad = max(len(items) - FINDINGS_MAX, 0)
    for item in items[:FINDINGS_MAX]:
        try:
            finding = finding_from_json(item)
        except ValueError:
            bad += 1
        else:
            found.setdefault((finding.id, finding.line, finding.unit), finding)
    return tuple(found.values()), bad


def _rejected(items: object) -> tuple[Finding, ...]:
    """What cannot be read of it is left out: nothing hangs on it."""
    return read_findings(items)[0] if isinstance(items, list) else ()


def read_skipped(items: object) -> tuple[Json, ...]:
    """What was left out, each with path and reason on one line of TEXT_MAX characters at most."""
    if not isinstance(items, list):
        return ()
    skipped = [item for item in items if isinstance(item, dict)]
    told = [{"path": _word(item.get("path")), "reason": _word(item.get("reason"))} for item in skipped[:SKIPPED_MAX]]
    return (*told, *record.left_out(len(skipped) - len(told)))


def to_json(outcome: Outcome, block_at: str) -> Json:
    """The object of `maw review --json`."""
    return {
        "v": 1,
        "task": outcome.task,
        "verdict": outcome.verdict(block_at),
        "status": outcome.status,
        "reason": outcome.reason,
        "findings": [finding.to_json() for finding in outcome.findings],
        "rejected": [finding.to_json() for finding in outcome.rejected],
        "dismissed": [finding.to_json() for finding in outcome.dismissed],
        "skipped": list(outcome.skipped),
        "units": outcome.units,
        "model": outcome.model,
        "profile": outcome.profile,
        "stats": outcome.stats,
    }


def to_record(outcome: Outcome, *, tree: str | None, base: str | None, block_at: str) -> Json:
    """A review record (docs/records.md) but for what the commit tells: head, patch_id and has_binary. What is
    dismissed was found all the same, and stays among the findings."""
    data: Json = {
        "v": record.VERSION,
        "id": record.new_id(),
        "ts": record.now(),
        "kind": "review",
        "status": outcome.status,
        "tree": tree,
        "base": base,
        "verdict": outcome.verdict(block_at),
        "block_at": block_at,
        "findings": [finding.to_json() for finding in (*outcome.findings, *outcome.dismissed)],
        "skipped": list(outcome.skipped),
        "units": outcome.units,
        "model": outcome.model,
        "profile": outcome.profile,
        "stats": outcome.stats,
        "node": outcome.node,
        "task": outcome.task,
    }
    if outcome.reason is not None:
        data["reason"] = outcome.reason
    if outcome.dismissed:
        data["dismissed"] = [finding.id for finding in outcome.dismissed]
    if outcome.rejected:
        data["rejected"] = [finding.to_json() for finding in outcome.rejected]
    return data


def from_record(data: Json) -> Outcome:
    """The outcome that a record of a review tells. Raises ValueError when it is damaged, or tells of none."""
    outcome = from_result(data, node=_word(data.get("node")), task=_word(data.get("task")))
    if outcome.status == UNREVIEWED or data.get("status") != outcome.status:
        raise ValueError("not the record of a review")
    return outcome


def _units(value: object) -> Json | None:
    if not isinstance(value, dict):
        return None
    counts = {key: value.get(key) for key in ("total", "done", "failed")} | {"reused": value.get("reused", 0)}
    good = all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts.values())
    return counts if good else None


def _stats(value: object) -> Json:
    if not isinstance(value, dict):
        return NO_STATS
    return {
        key: value[key] if isinstance(value.get(key), int | float) else default for key, default in NO_STATS.items()
    }


def _task(task: str | None) -> str | None:
    return None if task is None else _word(task)


def _word(value: object) -> str:
    """A text from a node as a line that shows what it is, and that a note can hold."""
    return flat(value[:TEXT_MAX]) if isinstance(value, str) else ""
