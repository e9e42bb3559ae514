"""A generation in a thread: the same as the command of its task."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypedDict

from maw import client
from maw.config.load import Config
from maw.edits.verify import Stopped, never
from maw.errors import FatalError
from maw.generate import explaining, files, generation, targets, tasks
from maw.generate.context import Wanted
from maw.generate.failing import examining
from maw.generate.generation import Means
from maw.generate.memory import keeping
from maw.generate.memory.keeping import Made
from maw.generate.request import EXPLAIN, FIX, TEST, Asked
from maw.generate.tasks import Question
from maw.generate.testing import planning
from maw.git.repo import Repo
from maw.memory import arrivals
from maw.repomap.build import Progress
from maw.text import one_line
from maw_tui.screens.generate import options
from maw_tui.screens.generate.messages import Explained, Nothing, Outcome
from maw_tui.screens.generate.needs import Draft
from maw_tui.screens.generate.options import CONTEXT, FRAMEWORK, FROM, INTO, MODEL

_CANCEL_TIMEOUT = 1.0  # seconds


class _How(TypedDict):
    """What each question is asked with."""

    model: str
    progress: Progress


class Writing:
    """One generation. `run` is called in a thread, `stop` from anywhere: it does not wait. `told` hears the kinds of
    messages.Heard, and `trouble`: a line about what went wrong beside it."""

    def __init__(
        self, repo: Repo, config: Config, draft: Draft, told: Callable[[str, Any], None], *, fresh: bool = False
    ) -> None:
        self._repo, self._config, self._draft, self._told, self._fresh = repo, config, draft, told, fresh
        self._stopped = False
        self._id = ""

    def run(self) -> Outcome:
        """Raises Stopped, FatalError and OSError."""
        if not os.path.isdir(self._repo.root):
            raise FatalError(f"{self._repo.root} is not there any more")
        began = time.monotonic()
        how = means(self._config, bench=self._draft.bench, told=self._hear, stopped=self._is_stopped)
        how = how._replace(fresh=self._fresh)
        try:
            if self._draft.task == EXPLAIN:
                return self._explained(how, began)
            question = self._question(how)
            if question is None:
                return Nothing(f"nothing to mend: `{one_line(how.verify)}` passes")
            return self._made(question, how._replace(judge=question.judge), began)
        except FatalError as exc:
            if self._stopped:
                raise Stopped from exc
            raise

    @functools.cached_property
    def _wanted(self) -> Wanted:
        words = tasks.words(self._draft.words, self._source, tasks.USUAL.get(self._draft.task, ""))
        read = options.words(self._given(CONTEXT))
        return tasks.about([targets.parse(path) for path in self._draft.paths], read=read, words=words)

    @functools.cached_property
    def _source(self) -> str:
        name = self._given(FROM)
        return files.source(options.placed(self._repo, name)) if name else ""

    def _given(self, option: str) -> str:
        return self._draft.options.get(option, "")

    @property
    def _how(self) -> _How:
        return {"model": self._given(MODEL), "progress": self._mapped}

    def _question(self, how: Means) -> Question | None:
        """None where nothing fails that could be mended."""
        task = self._draft.task
        if task == TEST:
            return self._tests(how)
        if task == FIX:
            return self._mending(how)
        return tasks.editing(self._repo, self._config, task, self._wanted, **self._how)

    def _tests(self, how: Means) -> Question:
        path, symbol = self._wanted.edit[0], self._wanted.symbol
        framework, into = self._given(FRAMEWORK), self._given(INTO)
        plan = planning.plan(self._repo, path, symbol, framework=framework, into=into, progress=self._mapped)
        self._hear("found", [plan.told, *([] if how.verify else [f"`{plan.command}` would run them"])])
        return tasks.testing(self._repo, self._config, plan, self._wanted, **self._how)

    def _mending(self, how: Means) -> Question | None:
        words, output = self._draft.words, self._source
        if not output and (not how.verify or tasks.is_output(words)):
            words, output = "", words
        if not output:
            verdict = generation.as_it_is(self._repo, how)
            if verdict.passed:
                return None
            output = verdict.output or verdict.why
        failure = examining.examined(self._repo, output, self._mapped)
        self._hear("found", failure.told)
        wanted = self._wanted._replace(words=words)
        return tasks.mending(self._repo, self._config, failure, wanted, **self._how)

    def _made(self, question: Question, how: Means, began: float) -> Made:
        if self._draft.task in tasks.GREEN_BEFORE and how.verify:
            generation.insist_on_green(generation.as_it_is(self._repo, how))
        asked = self._with_examples(question.asked)
        report = generation.run(self._repo, self._config, asked, question.allowed, how)
        made = Made(asked, report, time.monotonic() - began)
        if not report.good:
            keeping.keep(self._repo, self._config, made, offered=b"", accepted=None, said=self._say)
        return made

    def _explained(self, how: Means, began: float) -> Explained:
        question = tasks.explaining(self._repo, self._config, self._wanted, **self._how)
        answer = generation.explained(self._repo, self._config, question.asked, how)
        return Explained(explaining.checked(self._repo, answer.text), answer, time.monotonic() - began)

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
    config: Config,
    *,
    bench: str = "",
    told: Callable[[str, Any], None] = lambda *_: None,
    stopped: Callable[[], bool] = never,
) -> Means:
    """As the settings have it: what `maw generate` does without other options than --bench."""
    values = config.values
    verify = values["generate.verify"]
    tries = max(1, values["generate.tries"]) if verify or bench else 1
    timeout = values["generate.timeout"]
    return Means(values["node"], verify, bench, tries=tries, timeout=timeout, told=told, stopped=stopped)
