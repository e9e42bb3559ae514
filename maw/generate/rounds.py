"""What follows from an answer: it is taken, sent back with the reasons, or given up. It asks, judges and tries through
`Work`, and knows neither a terminal nor a node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from maw.edits.propose import Proposal
from maw.edits.refusal import Refusal, Refused
from maw.generate.ask import Answer
from maw.generate.request import Asked, Tried

REFUSED, PROPOSED, PASSED, FAILED = "refused", "proposed", "passed", "failed"  # how a round ended
TRIED = 2  # of the answers before that go along: a small model loses itself in more


class Verdict(NamedTuple):
    """How the user's command went with a proposal. `why` is one line; `output` goes back to the model. `code` is None
    when its time was over."""

    passed: bool
    why: str
    output: str = ""
    command: str = ""
    code: int | None = None
    seconds: float = 0.0


class Work(NamedTuple):
    """The effects. `propose` raises Refused; `verify` is None where nothing is to be run. `told` hears what is done
    now: `asking`, `verifying`, and each `Round` when it has ended."""

    ask: Callable[[Asked], Answer]
    propose: Callable[[Answer], Proposal]
    verify: Callable[[Proposal], Verdict] | None = None
    told: Callable[[str, object], None] = lambda *_: None


class Round(NamedTuple):
    """One answer and what became of it. Times in seconds; `stats` are the node's of the answer."""

    how: str
    why: tuple[str, ...]
    model_seconds: float
    own_seconds: float
    verify_seconds: float = 0.0
    stats: Mapping[str, Any] = {}


class Report(NamedTuple):
    """`proposal` is the last answer's, `verdict` the user's command's on it (None: there was none to ask), `refusals`
    are why there is no proposal; `tried` is what would go along when asked once more."""

    proposal: Proposal | None
    verdict: Verdict | None
    rounds: tuple[Round, ...]
    answer: Answer
    refusals: tuple[Refusal, ...] = ()
    tried: tuple[Tried, ...] = ()

    @property
    def good(self) -> bool:
        """Whether there is something to take."""
        return self.proposal is not None and (self.verdict is None or self.verdict.passed)


def run(work: Work, asked: Asked, *, tries: int = 1) -> Report:
    """Ask until an answer can be taken, `tries` proposals at most. Each answer that is refused is sent back once with
    the reasons. Raises NoAnswer, NodeError and ApiError."""
    rounds: list[Round] = []
    tried: list[Tried] = []
    again = 0  # answers that were refused since the last proposal
    proposals = 0
    while True:
        report = _round(work, asked._replace(before=(*asked.before, *tried), seed=asked.seed + len(rounds)), rounds)
        work.told("round", rounds[-1])
        if report.good:
            return report
        proposals, again = (proposals, again + 1) if report.proposal is None else (proposals + 1, 0)
        if again > 1 or proposals >= tries:
            return report
        tried = [*tried, *report.tried][-TRIED:]


def _round(work: Work, asked: Asked, rounds: list[Round]) -> Report:
    asking, own, verifying = _Clock(), _Clock(), _Clock()
    work.told("asking", f"round {len(rounds) + 1}")
    with asking.running():
        answer = work.ask(asked)
    try:
        with own.running():
            proposal = work.propose(answer)
    except Refused as exc:
        why = tuple(refusal.message for refusal in exc.refusals)
        rounds.append(Round(REFUSED, why, asking.seconds, own.seconds, stats=answer.stats))
        tried = (Tried(answer.text, exc.refusals),)
        return Report(None, None, tuple(rounds), answer, exc.refusals, tried)
    if work.verify is None:
        rounds.append(Round(PROPOSED, (), asking.seconds, own.seconds, stats=answer.stats))
        return Report(proposal, None, tuple(rounds), answer)
    work.told("verifying", proposal)
    with verifying.running():
        verdict = work.verify(proposal)
    how = PASSED if verdict.passed else FAILED
    rounds.append(Round(how, (verdict.why,), asking.seconds, own.seconds, verifying.seconds, answer.stats))
    failed = [] if verdict.passed else [Tried(answer.text, (), verdict.output or verdict.why)]
    return Report(proposal, verdict, tuple(rounds), answer, (), tuple(failed))


class _Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds = time.monotonic() - began
