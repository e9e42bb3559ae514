"""What follows from answers: decided without a node, a tree or a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from maw.edits.propose import Proposal
from maw.edits.refusal import refuse
from maw.generate import rounds, trial
from maw.generate.ask import Answer
from maw.generate.request import Asked, Tried
from maw.generate.rounds import Report, Verdict, Work

ASKED = Asked("code", "do it", before=(Tried(output="it fails"),))


class Scene:
    """A Generator and a command by a script: `refused`, `fails` or `passes` for each answer."""

    def __init__(self, *script: str) -> None:
        self._script: Iterator[str] = iter(script)
        self.asked: list[Asked] = []
        self.told: list[str] = []
        self._now = ""

    def run(self, tries: int = 1, *, verify: bool = True) -> Report:
        check: Callable[[Proposal], Verdict] | None = self._verify if verify else None
        work = Work(self._ask, self._propose, check, lambda kind, _: self.told.append(kind))
        return rounds.run(work, ASKED, tries=tries)

    def _ask(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        self._now = next(self._script)
        return Answer(f"answer {len(self.asked)}", False, 7, "m", "p", "t", {}, {})

    def _propose(self, answer: Answer) -> Proposal:
        if self._now == "refused":
            raise refuse("no_match", f"{answer.text} does not match", "a.py", "real")
        return Proposal((), answer.text.encode())

    def _verify(self, proposal: Proposal) -> Verdict:
        return Verdict(self._now == "passes", self._now, f"output of {proposal.diff.decode()}")


def test_the_first_answer_that_can_be_taken_ends_it() -> None:
    scene = Scene("passes")
    found = scene.run(5)
    assert (found.good, [one.how for one in found.rounds]) == (True, ["passed"])
    assert scene.told == ["asking", "verifying", "round"]
    assert scene.asked == [ASKED]


def test_without_a_command_a_proposal_is_enough() -> None:
    found = Scene("fails").run(verify=False)
    assert (found.good, found.verdict, found.rounds[0].how) == (True, None, "proposed")


def test_a_refusal_is_sent_back_once_and_costs_no_try() -> None:
    scene = Scene("refused", "fails", "refused", "passes")
    found = scene.run(2)
    assert (found.good, [one.how for one in found.rounds]) == (True, ["refused", "failed", "refused", "passed"])
    first, second = scene.asked[1].before
    assert (first.output, second.answer, second.refusals[0].real) == ("it fails", "answer 1", "real")
    assert [tried.output for tried in scene.asked[3].before] == ["it fails", "output of answer 2", ""]
    assert len({asked.seed for asked in scene.asked}) == 4


def test_two_refusals_in_a_row_end_it() -> None:
    scene = Scene("refused", "refused", "passes")
    found = scene.run(5)
    assert (found.good, found.proposal, len(scene.asked)) == (False, None, 2)
    assert found.refusals[0].message == "a.py: answer 2 does not match"


def test_tries_are_bounded_and_the_last_proposal_is_told() -> None:
    scene = Scene("fails", "fails", "fails", "passes")
    found = scene.run(3)
    assert (found.good, len(found.rounds)) == (False, 3)
    assert found.proposal is not None
    assert found.proposal.diff == b"answer 3"
    assert found.verdict == Verdict(False, "fails", "output of answer 3")
    assert len(scene.asked[-1].before) <= 1 + rounds.TRIED


def test_what_is_faster() -> None:
    assert trial.Bench(1.0, 0.9).faster
    assert not trial.Bench(1.0, 0.99).faster  # noise
    assert not trial.Bench(1.0, 1.2).faster
