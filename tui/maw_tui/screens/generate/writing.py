"""A generation in a thread, told in messages."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from textual.message import Message

from maw import client
from maw.config.load import Config
from maw.edits import apply, propose
from maw.edits.apply import Applied
from maw.edits.verify import Stopped, never
from maw.errors import FatalError
from maw.generate import context, generation, sameness
from maw.generate.context import Wanted
from maw.generate.generation import Means
from maw.generate.memory import keeping
from maw.generate.memory.keeping import Made, Said
from maw.generate.request import DOCS, REFACTOR, Asked
from maw.git.repo import Repo
from maw.memory import arrivals

_CANCEL_TIMEOUT = 1.0  # seconds
_JUDGES = {DOCS: sameness.insist}  # what a task has against a proposal, as its command has it


class Draft(NamedTuple):
    """What somebody composed. `task` is one of maw.generate.request."""

    task: str
    instruction: str
    paths: tuple[str, ...]


@dataclass
class Listed(Message):
    """The files of the repository."""

    paths: list[str]


@dataclass
class Heard(Message):
    """Something happened on the way: the kinds of generation.Means.told, and `mapped`."""

    kind: str
    data: Any


@dataclass
class Written(Message):
    """It has ended: what came of it, or why nothing did."""

    made: Made | None
    error: Exception | None = None


@dataclass
class Put(Message):
    """What was accepted is in the working tree; `undone`: what had been is no longer."""

    applied: Applied
    undone: bool = False


class Writing:
    """One generation. `run` is called in a thread, `stop` from anywhere: it does not wait."""

    def __init__(self, repo: Repo, config: Config, draft: Draft, told: Callable[[str, Any], None]) -> None:
        self._repo, self._config, self._draft, self._told = repo, config, draft, told
        self._stopped = False
        self._id = ""

    def run(self) -> Made:
        """Raises Stopped, FatalError and OSError."""
        began = time.monotonic()
        paths, words = self._draft.paths, self._draft.instruction
        found = context.gather(self._repo, Wanted(edit=paths, words=words), self._mapped)
        asked = self._with_examples(generation.asked(self._config, self._draft.task, words, found))
        how = means(self._config, self._hear, self._is_stopped)
        how = how._replace(judge=_JUDGES.get(self._draft.task, lambda _: None))
        try:
            if self._draft.task == REFACTOR and how.verify:
                generation.insist_on_green(generation.as_it_is(self._repo, how))
            report = generation.run(self._repo, self._config, asked, found.allowed, how)
        except FatalError as exc:
            if self._stopped:
                raise Stopped from exc
            raise
        made = Made(asked, report, time.monotonic() - began)
        if not report.good:
            keeping.keep(self._repo, self._config, made, offered=b"", accepted=None, said=self._say)
        return made

    def _with_examples(self, asked: Asked) -> Asked:
        arrivals.deliver(self._repo, self._say)
        try:
            return generation.with_examples(self._repo, asked)
        except FatalError as exc:
            self._say(f"no examples of past generations: {exc.message}")
            return asked

    def _say(self, text: str) -> None:
        self._hear("trouble", text)

    def stop(self) -> None:
        """Have the node stop, too, and a command that is run on a proposal."""
        self._stopped = True
        threading.Thread(target=self._cancel, name="cancel").start()

    def _cancel(self) -> None:
        if self._id:
            with contextlib.suppress(FatalError, OSError):  # a node that cannot be told cancels by itself
                client.cancel(self._config.values["node"], self._id, timeout=_CANCEL_TIMEOUT)

    def _is_stopped(self) -> bool:
        return self._stopped

    def _mapped(self, done: int, whole: int) -> None:
        self._hear("mapped", (done, whole))

    def _hear(self, kind: str, data: Any) -> None:
        if isinstance(data, dict):
            self._id = str(data.get("task") or self._id)
        if self._stopped:
            raise Stopped
        self._told(kind, data)


def means(
    config: Config, told: Callable[[str, Any], None] = lambda *_: None, stopped: Callable[[], bool] = never
) -> Means:
    """As the settings have it: what `maw generate` does without options."""
    values = config.values
    verify = values["generate.verify"]
    tries = max(1, values["generate.tries"]) if verify else 1
    timeout = values["generate.timeout"]
    return Means(values["node"], verify, tries=tries, timeout=timeout, told=told, stopped=stopped)


def put(
    repo: Repo, config: Config, made: Made, ids: list[str], said: Said, *, stopped: Callable[[], bool] = never
) -> Applied:
    """Apply the hunks with these ids, and remember it. A part of what passed is tried again first. Raises Stopped and
    FatalError, with nothing changed."""
    proposal = made.report.proposal
    part = propose.accepted(proposal, ids) if proposal is not None else None
    if proposal is None or part is None:
        raise FatalError("no hunk is chosen: space chooses, `a` takes all")
    how = means(config, stopped=stopped)
    if how.verify and part.diff != proposal.diff:
        verdict = generation.verified(repo, how, part)
        if not verdict.passed:
            raise FatalError(f"the chosen part does not pass: {verdict.why}", hint="nothing was applied")
    done = apply.apply(repo, part)
    keeping.keep(repo, config, made, offered=proposal.diff, accepted=part.diff, said=said)
    return done


def reject(repo: Repo, config: Config, made: Made, said: Said) -> None:
    """Remember that nothing of it was wanted."""
    if made.report.proposal is not None:
        keeping.keep(repo, config, made, offered=made.report.proposal.diff, accepted=b"", said=said)


def take_back(repo: Repo, said: Said) -> Applied:
    """Undo the last application. Raises FatalError with nothing changed."""
    done = apply.undo(repo)
    keeping.taken_back(repo, done.paths, said)
    return done
