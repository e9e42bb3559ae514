"""A generation from its task to a report: what is sent, asked, proposed and tried. The CLI and the TUI show it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from maw.config.load import Config
from maw.edits import answer as answers
from maw.edits import propose, refusal
from maw.edits.place import Allowed
from maw.edits.propose import Proposal
from maw.edits.refusal import refuse
from maw.edits.verify import never
from maw.errors import INCOMPLETE, FatalError
from maw.generate import ask, redaction, request, rounds, syntax, trial
from maw.generate.ask import Answer
from maw.generate.context import Context
from maw.generate.memory import similar
from maw.generate.redaction import Hidden
from maw.generate.request import Asked, Example
from maw.generate.rounds import Report, Verdict, Work
from maw.git.repo import Repo
from maw.memory.index import Index
from maw.review.request import repo_name
from maw.secrets.texts import Redact

Json = dict[str, Any]


class Means(NamedTuple):
    """How it is done. `verify` and `bench` are commands of the user's own (never of the repository's): empty for none.
    `timeout`: seconds that each may take; `deadline`: a time.monotonic() value; `judge` raises Refused
    for what a task has against a proposal; `told` hears what happens; `stopped` says whether a command of the user's is
    to end at once, which raises Stopped."""

    node: str
    verify: str = ""
    bench: str = ""
    tries: int = 1
    timeout: float = 600.0
    fresh: bool = False
    deadline: float | None = None
    judge: Callable[[Proposal], None] = lambda _: None
    told: Callable[[str, Any], None] = lambda *_: None
    stopped: Callable[[], bool] = never


class NotGreen(FatalError):
    """The user's command fails as it is."""

    exit_code = INCOMPLETE


def as_it_is(repo: Repo, means: Means) -> Verdict:
    """How the user's command goes with the tree as it is."""
    means.told("checking", means.verify)
    return trial.check(repo, (), means.verify, means.timeout, means.stopped)


def insist_on_green(verdict: Verdict) -> None:
    """Of the tree as it is, before code is changed that is to do the same afterwards. Raises NotGreen."""
    if not verdict.passed:
        raise NotGreen(f"{verdict.why}, without any change", hint="`maw generate fix` is for what fails")


def asked(config: Config, task: str, instruction: str, context: Context, *, model: str = "") -> Asked:
    """The question about a context."""
    return Asked(
        task=task,
        instruction=instruction,
        files=context.files,
        create=context.create,
        map=context.map,
        project=config.values["generate.instructions"],
        model=model,
    )


def with_examples(repo: Repo, asked: Asked) -> Asked:
    """The same with similar generations that were accepted here before. Raises FatalError where the memory cannot be
    read."""
    paths = [*(file.path for file in asked.files if file.editable), *asked.create]
    with Index(repo) as index:
        index.refresh()
        found = similar.similar(repo, index, asked.task, asked.instruction, paths)
    return asked._replace(examples=tuple(Example(one.instruction, one.diff) for one in found))


def redactor(config: Config) -> Redact:
    """Takes the values of secrets out of a text."""
    from maw.secrets.redact import redact  # with detect-secrets: 150 ms

    return partial(redact, allow=config.values["secrets.allow"])


def without_secrets(config: Config, asked: Asked) -> tuple[Asked, Hidden]:
    """What leaves this machine, and what was taken out of it."""
    return redaction.redacted(asked, redactor(config))


def payload(repo: Repo, config: Config, asked: Asked) -> Json:
    """What is sent."""
    return request.payload(without_secrets(config, asked)[0], repo_name(repo))


def run(repo: Repo, config: Config, asked: Asked, allowed: Allowed, means: Means) -> Report:
    """Ask until there is something to take, or no try is left. Raises NoAnswer, NodeError, ApiError and FatalError;
    a KeyboardInterrupt cancels the task and leaves nothing behind."""
    hidden = Hidden({})

    def ask_(asked: Asked) -> Answer:
        nonlocal hidden
        safe, hidden = without_secrets(config, asked)
        task = request.task(request.payload(safe, repo_name(repo)), fresh=means.fresh)
        return ask.ask(means.node, task, deadline=means.deadline, told=means.told)

    def propose_(answer: Answer) -> Proposal:
        proposal = proposed(repo, answer, allowed, hidden)
        means.judge(proposal)
        return proposal

    verify = partial(verified, repo, means) if means.verify or means.bench else None
    return rounds.run(Work(ask_, propose_, verify, means.told), asked, tries=means.tries)


def explained(repo: Repo, config: Config, asked: Asked, means: Means) -> Answer:
    """The answer to a task whose answer is prose. Raises as run."""
    made = request.payload(without_secrets(config, asked)[0], repo_name(repo))
    return ask.ask(means.node, request.task(made, fresh=means.fresh), deadline=means.deadline, told=means.told)


def proposed(repo: Repo, answer: Answer, allowed: Allowed, hidden: Hidden) -> Proposal:
    """The proposal of an answer. Raises Refused."""
    text = answer.text.encode("utf-8", "replace")
    if answer.cut:
        _refuse_cut(answer.text)
    blocks = redaction.restored(answers.parse(text, answer.mark), hidden)
    with syntax.checkers() as checkers:
        return propose.propose(repo, blocks, allowed, checkers)


def _refuse_cut(text: str) -> None:
    """An answer that reached its bound is half a block, whatever it looks like."""
    if answers.goes_in_circles(text):
        raise refuse(refusal.REPEATS, "the answer goes round in circles, and was cut")
    raise refuse(refusal.HALF, "the answer was cut at its bound: write less, in smaller blocks")


def verified(repo: Repo, means: Means, proposal: Proposal) -> Verdict:
    """How the user's commands go with a proposal."""
    verdict = Verdict(True, "")
    if means.verify:
        verdict = trial.check(repo, proposal.edits, means.verify, means.timeout, means.stopped)
    if means.bench and verdict.passed:
        measured = _measured(repo, means, proposal)
        verdict = measured._replace(why="; ".join(filter(None, (verdict.why, measured.why))))
    return verdict


def _measured(repo: Repo, means: Means, proposal: Proposal) -> Verdict:
    found = trial.bench(repo, proposal.edits, means.bench, means.timeout, means.stopped)
    if isinstance(found, Verdict):
        return found
    why = f"`{means.bench}`: {found}{'' if found.faster else ', which is not faster'}"
    return Verdict(found.faster, why, command=means.bench, code=0, seconds=found.after)
