"""What `maw review` prints: as JSON, or for people."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from maw import client
from maw.cli.output import console, print_json, say, under_way
from maw.review import outcome as outcomes
from maw.review import request
from maw.review.follow import Found, Step, Told, Voided
from maw.review.outcome import Outcome
from maw.review.progress import Progress
from maw.review.render import Printer, judged, tally
from maw.review.sifting import Sifter
from maw.review.terminal import ProgressLine
from maw.text import one_line

if TYPE_CHECKING:
    from rich.console import Console

NAMED_ONE_BY_ONE = 8  # skipped files with the same reason


class AsJson:
    """One JSON object, or one a line as things happen."""

    def __init__(self, sifter: Sifter, stream: bool) -> None:
        self._sifter = sifter
        self._stream = stream

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def take(self, step: Step) -> None:
        if not self._stream or (isinstance(step, Found) and self._sifter.drops(step.finding)):
            return
        if isinstance(step, Found):
            print_json({**step.data, "v": 1, "event": "finding", "finding": step.finding.to_json()})
        elif isinstance(step, Voided):
            print_json({**step.data, "v": 1, "event": "restarted", "attempt": step.attempt})
        elif isinstance(step, Told) and step.type not in client.TERMINAL:
            print_json({**step.data, "v": 1, "event": step.type})

    def ended(self, change: request.Change, outcome: Outcome, block_at: str, since: str | None) -> None:
        print_json({**outcomes.to_json(outcome, block_at), "known": since})


class AsText:
    """For people: findings as they come, a line of progress, and a line of what came of it."""

    def __init__(self, sifter: Sifter, node: str) -> None:
        self._sifter = sifter
        self._node = node
        self._printer = Printer()
        self._progress = Progress(node)
        self._line = ProgressLine()
        self._console: Console = console()

    def waiting(self) -> AbstractContextManager[None]:
        under_way(f"asking {self._node}")
        return self._line.ticking(lambda: self._progress.text)

    def take(self, step: Step) -> None:
        from maw.cli.painting import print_lines

        self._progress.take(step)
        if isinstance(step, Found) and not self._sifter.drops(step.finding):
            with self._line.away():
                print_lines(self._console, self._printer.found(step.finding))
        elif isinstance(step, Voided):
            with self._line.away():
                say("maw: the runner started the review over")
        self._line.show(self._progress.text)

    def ended(self, change: request.Change, outcome: Outcome, block_at: str, since: str | None) -> None:
        from maw.cli.painting import print_lines

        self._line.clear()
        print_lines(self._console, self._printer.ended(outcome.findings))
        for line in skipped_lines(outcome.skipped):
            say(f"maw: skipped {line}")
        if change.empty:
            say(f"maw: nothing to review in {change.what}")
        else:
            say(f"maw: {summary(outcome, block_at)}")
        if since is not None:
            say(f"maw: known since {since}, so nothing was sent; --fresh asks again")


Output = AsJson | AsText


def skipped_lines(skipped: Iterable[dict[str, Any]]) -> list[str]:
    """What was left out and why. Of many files with one reason only some are named: `--json` has them all."""
    groups: dict[str, list[str]] = {}
    for item in skipped:
        groups.setdefault(one_line(item["reason"]), []).append(one_line(item["path"]))
    lines: list[str] = []
    for reason, paths in groups.items():
        if len(paths) > NAMED_ONE_BY_ONE:
            lines.append(f"{len(paths)} files ({', '.join(paths[:3])}, …): {reason}")
        else:
            lines += [f"{path}: {reason}" for path in paths]
    return lines


def summary(outcome: Outcome, block_at: str) -> str:
    """`verdict: what was found, in how much`."""
    why = one_line(outcome.reason or "")
    if outcome.cause == outcomes.UNREACHABLE:
        why = f"{outcome.node} cannot be reached: {why}"
    if outcome.status == outcomes.UNREVIEWED:
        return f"not reviewed: {why}"
    if outcome.skipped and not outcome.units["total"] and not outcome.findings:
        return f"{outcome.verdict(block_at)}: nothing was reviewed, all of it was skipped"
    found = tally(outcome.findings) if outcome.findings else "nothing found"
    parts = [f"{outcome.verdict(block_at)}: {found} in {judged(outcome.units)}"]
    if outcome.dismissed:
        parts.append(f"{len(outcome.dismissed)} more dismissed")
    if outcome.rejected:
        parts.append(f"{len(outcome.rejected)} more rejected when asked again")
    if outcome.model:
        parts.append(f"by {one_line(outcome.model)} on {outcome.node}")
    return "; ".join([*parts, why] if why else parts)
