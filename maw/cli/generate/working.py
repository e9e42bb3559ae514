"""The way of a subcommand that edits: from its options to what was applied."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from maw import errors
from maw.cli.generate import offering, remembering, telling
from maw.cli.generate.options import CodeOptions, instruction_of
from maw.cli.generate.progress import Progress
from maw.cli.output import print_json, say, under_way
from maw.cli.place import needed_repository
from maw.cli.records import deliver
from maw.config.load import Config, load
from maw.edits.propose import Proposal
from maw.errors import FatalError
from maw.generate import generation, targets, tasks
from maw.generate.context import Wanted
from maw.generate.generation import Means
from maw.generate.memory.keeping import Made
from maw.generate.request import OPTIMIZE, Asked, Json
from maw.generate.rounds import Report, Verdict
from maw.generate.targets import Target
from maw.generate.tasks import Question
from maw.git.files import in_repository
from maw.git.repo import Repo
from maw.repomap.build import Progress as Mapped
from maw.text import one_line


class Place(NamedTuple):
    """Where a command works, and how."""

    repo: Repo
    config: Config


def place(options: CodeOptions) -> Place:
    repo = needed_repository()
    if repo.worktree is None:
        raise FatalError("a bare repository has no working tree")
    config = load(worktree=repo.worktree, flags={"node": options.node})
    config.at_work()
    return Place(repo, config)


def wanted(here: Place, options: CodeOptions, words: str) -> Wanted:
    """What the command line names, as git names it."""
    read = [in_repository(here.repo, path) for path in options.context]
    return tasks.about([named(here, word) for word in options.paths], read=read, symbol=options.symbol, words=words)


def named(here: Place, word: str) -> Target:
    """What a word of the command line names: a file whose own name looks like PATH:LINE comes first."""
    found = Target(word) if os.path.lexists(word) else targets.parse(word)
    return found._replace(path=in_repository(here.repo, found.path))


@contextmanager
def gathering() -> Iterator[Mapped]:
    """While what goes along is gathered: hears of the map on its way."""
    gc.disable()  # as `maw map` does: nothing here is in a cycle
    try:
        with Progress() as progress:
            yield progress.mapped
    finally:
        gc.enable()


def means(here: Place, options: CodeOptions, *, bench: str = "") -> Means:
    values = here.config.values
    verify = values["generate.verify"] if options.verify is None else options.verify
    tries = options.tries or (max(1, values["generate.tries"]) if verify or bench else 1)
    return Means(
        node=values["node"], verify=verify, bench=bench, tries=tries, timeout=values["generate.timeout"],
        fresh=options.fresh,
    )  # fmt: skip


def work(task: str, options: CodeOptions, *, bench: str = "") -> int:
    """A task about what the command line names; the exit code."""
    words = instruction_of(options, tasks.USUAL.get(task, ""))
    here = place(options)
    with gathering() as progress:
        asked_for = wanted(here, options, words)
        question = tasks.editing(here.repo, here.config, task, asked_for, model=options.model, progress=progress)
    how = means(here, options, bench=bench)
    if not options.dry_run:
        _tell_what_is_not_tried(task, how)
    if task in tasks.GREEN_BEFORE and how.verify and not options.dry_run:
        generation.insist_on_green(as_it_is(here, how))
    return carry_out(here, question, options, how)


def _tell_what_is_not_tried(task: str, how: Means) -> None:
    """Of what a task promises, before the node is asked."""
    if task == OPTIMIZE and not how.bench:
        say("maw: whether it is faster is not measured: --bench CMD times a command with the change and without")
    if task in tasks.GREEN_BEFORE and not how.verify:
        say("maw: whether it does the same is not tried: --verify CMD runs a command before and afterwards")


def dry_run(here: Place, asked: Asked, how: Means) -> int:
    """Print what would be sent."""
    made = generation.payload(here.repo, here.config, asked)
    print_json({"v": 1, "sent": False, "node": how.node, "payload": made})
    return errors.PASS


def as_it_is(here: Place, how: Means) -> Verdict:
    """How the user's command goes with the tree as it is."""
    under_way(f"running `{one_line(how.verify)}` as it is")
    with Progress() as progress:
        return generation.as_it_is(here.repo, how._replace(told=progress))


def carry_out(here: Place, question: Question, options: CodeOptions, how: Means, *, about: Json | None = None) -> int:
    """Ask, try, offer and tell; the exit code. `about`: what --json has of this task besides. Raises FatalError, and
    KeyboardInterrupt once the task is cancelled."""
    asked = _with_examples(here, question.asked)
    question, how = question._replace(asked=asked), how._replace(judge=question.judge)
    if options.dry_run:
        return dry_run(here, asked, how)
    began = time.monotonic()
    report = _report(here, question, how, quiet=options.as_json)
    seconds = time.monotonic() - began
    if report.proposal is None or not report.good:
        remembering.keep(here.repo, here.config, Made(asked, report, seconds), None)
        return _given_up(report, asked, options, seconds, about)
    if not options.as_json:
        telling.report(report, seconds)
    taken = offering.offer(here.repo, report.proposal, options, _again(here, how))
    remembering.keep(here.repo, here.config, Made(asked, report, seconds), taken)
    telling.outcome(report, taken, asked, seconds, as_json=options.as_json, about=about)
    return errors.PASS


def _with_examples(here: Place, asked: Asked) -> Asked:
    deliver(here.repo)
    try:
        return generation.with_examples(here.repo, asked)
    except FatalError as exc:
        say(f"maw: no examples of past generations: {exc.message}")
        return asked


def _report(here: Place, question: Question, how: Means, *, quiet: bool) -> Report:
    under_way(f"asking {how.node}")
    with Progress(quiet=quiet) as progress:
        return generation.run(here.repo, here.config, question.asked, question.allowed, how._replace(told=progress))


def _again(here: Place, how: Means) -> Callable[[Proposal], Verdict] | None:
    """Tries a part of what was proposed, where the whole was tried."""
    if not how.verify:
        return None
    return lambda proposal: generation.verified(here.repo, how._replace(bench=""), proposal)


def _given_up(report: Report, asked: Asked, options: CodeOptions, seconds: float, about: Json | None) -> int:
    if not options.as_json:
        if report.proposal is not None and not options.patch:
            offering.show(report.proposal)
        telling.report(report, seconds)
    telling.outcome(report, None, asked, seconds, as_json=options.as_json, about=about)
    return errors.INCOMPLETE
