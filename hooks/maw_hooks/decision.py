"""What an outcome means for the commit: a pure decision."""

from __future__ import annotations

from maw.config.load import Config
from maw.finding import Finding
from maw.light import NamedTuple
from maw.review.outcome import (
    BACKGROUND,
    DEADLINE,
    FAILED,
    REVIEWED,
    UNREACHABLE,
    UNREADY,
    UNREDACTED,
    UNREVIEWED,
    Outcome,
)
from maw.review.render import judged, tally
from maw.secrets import UNIT as SECRET
from maw.text import count, one_line

_SETTINGS = {
    DEADLINE: "review.on_timeout",
    UNREACHABLE: "review.on_unreachable",
    FAILED: "review.on_incomplete",
    UNREADY: "review.on_incomplete",
    UNREDACTED: "review.on_unreachable",
}
HOW_TO_SKIP = "`git commit -n` commits it as it is (recorded as bypassed); MAW_SKIP=1 skips maw alone"
HOW_TO_DISMISS = "`maw dismiss ID` for one that is wrong"
HOW_TO_FIX = "`maw fix ID` to apply its replacement"


class Decision(NamedTuple):
    """`blocked` keeps the commit from being made. `text` is the line that says so, `more` lines that go with it."""

    blocked: bool
    text: str
    more: tuple[str, ...] = ()


def decide(outcome: Outcome, config: Config) -> Decision:
    """Apply the gate and, where something was not reviewed, the setting for its cause."""
    block_at: str = config.values["review.block_at"]
    blocking = outcome.blocking(block_at)
    if blocking:
        text = f"commit blocked: {count(blocking, 'finding')} at or above {block_at} (review.block_at)"
        return Decision(True, text, (*_ways(outcome.findings), HOW_TO_SKIP))
    if outcome.status == REVIEWED:
        return Decision(False, _reviewed(outcome, block_at))
    if outcome.cause == BACKGROUND:
        return Decision(False, f"{outcome.node} reviews it in the background; `maw history` tells what it finds")
    assert outcome.cause is not None
    setting = _SETTINGS[outcome.cause]
    why = _why(outcome, config)
    if config.values[setting] == "block":
        return Decision(True, f"commit blocked: {why}, and {setting} is block", (HOW_TO_SKIP,))
    goes = "unreviewed" if outcome.status == UNREVIEWED else "reviewed in part"
    return Decision(False, f"{why}; the commit goes {goes}")


def _ways(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """What can be done about them, as a line; none where each is a secret, which says itself what to do."""
    ways = [HOW_TO_DISMISS] if any(finding.unit != SECRET for finding in findings) else []
    ways += [HOW_TO_FIX] if any(finding.replacement is not None for finding in findings) else []
    return (", ".join(ways),) if ways else ()


def _reviewed(outcome: Outcome, block_at: str) -> str:
    skipped = f", {count(len(outcome.skipped), 'file')} skipped" if outcome.skipped else ""
    skipped += f", {len(outcome.dismissed)} dismissed" if outcome.dismissed else ""
    if outcome.findings:
        return f"{tally(outcome.findings)}; below {block_at}, so the commit passes{skipped}"
    if outcome.skipped and not outcome.units["total"]:
        return f"nothing was reviewed{skipped}"
    return f"nothing found in {judged(outcome.units)}{skipped}"


def _why(outcome: Outcome, config: Config) -> str:
    if outcome.cause == DEADLINE:
        return f"the review took longer than {config.values['review.deadline']:g} s (review.deadline)"
    reason = one_line(outcome.reason or "unknown reason")
    if outcome.cause == UNREDACTED:
        return f"{reason}, so nothing was sent"
    return f"{outcome.node} cannot be reached: {reason}" if outcome.cause == UNREACHABLE else reason
