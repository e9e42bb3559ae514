"""The tasks, from what somebody wants to the question about it, and what is held against an answer: what commands and
UI ask by. Prose that comes of `explain` is looked at in explaining.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from maw.config.load import Config
from maw.edits.place import Allowed
from maw.edits.propose import Proposal
from maw.errors import FatalError
from maw.generate import context, generation, sameness
from maw.generate.context import Context, Wanted
from maw.generate.failing import places
from maw.generate.failing.examining import Failure
from maw.generate.request import DOCS, EXPLAIN, FIX, INSTRUCTION_MAX, OPTIMIZE, REFACTOR, TEST, Asked
from maw.generate.targets import Target
from maw.generate.testing import planning
from maw.generate.testing.planning import Plan
from maw.git.repo import Repo
from maw.repomap.build import Progress

# What is asked for where nobody says more.
USUAL = {
    DOCS: "Write the docstrings and comments that are missing.",
    REFACTOR: "Make it simpler.",
    OPTIMIZE: "Make it faster.",
    EXPLAIN: "What does it do, how, and what does it need from elsewhere?",
}
GREEN_BEFORE = frozenset({REFACTOR, OPTIMIZE})  # what does the same afterwards has to pass before
_BY_OUTPUT = frozenset({FIX, TEST})  # whose lines need not be a person's: an output may be older than the file
Judge = Callable[[Proposal], None]


def anything(_: Proposal) -> None:
    """Against what most tasks propose there is nothing to say."""


_JUDGES: dict[str, Judge] = {DOCS: sameness.insist}


class Question(NamedTuple):
    """`allowed` is what an answer may touch; `judge` raises Refused for what the task has against a proposal."""

    asked: Asked
    allowed: Allowed
    judge: Judge = anything


def words(instruction: str, source: str = "", otherwise: str = "") -> str:
    """What is asked for: the instruction, or what is usual where there is none, and the text that goes along."""
    parts = [instruction.strip() or otherwise, source.strip()]
    return "\n\n".join(part for part in parts if part)


def about(named: Sequence[Target], *, read: Sequence[str] = (), symbol: str | None = None, words: str = "") -> Wanted:
    """What these words name, their paths as git has them. `symbol` is one that was given apart from them. Raises
    FatalError for two definitions: a question is about one."""
    symbols = dict.fromkeys(filter(None, (symbol, *(one.symbol for one in named))))
    if len(symbols) > 1:
        raise FatalError(f"{' and '.join(symbols)}: it can be about one definition only", hint="or name their files")
    paths = dict.fromkeys(one.path for one in named)
    focus = {path: tuple(one.lines for one in named if one.path == path and one.lines) for path in paths}
    return Wanted(
        edit=tuple(paths),
        read=tuple(read),
        symbol=next(iter(symbols), None),
        words=words,
        focus={path: lines for path, lines in focus.items() if lines},
    )


def _quiet(_done: int, _all: int) -> None:
    """Nobody waits for the map."""


def editing(
    repo: Repo, config: Config, task: str, wanted: Wanted, *, model: str = "", progress: Progress = _quiet
) -> Question:
    """Of code, docs, refactor and optimize. Raises FatalError for what is not there, Refused for what may not be
    edited."""
    if len(wanted.words) > INSTRUCTION_MAX:
        raise FatalError(
            f"the instruction has {len(wanted.words):,} characters, more than {INSTRUCTION_MAX:,}",
            hint="name files instead of putting them into it",
        )
    found = context.gather(repo, wanted, progress)
    if task not in _BY_OUTPUT:
        _insist_on_lines(found, wanted)
    asked = generation.asked(config, task, wanted.words, found, model=model)
    return Question(asked, found.allowed, _JUDGES.get(task, anything))


def _insist_on_lines(found: Context, wanted: Wanted) -> None:
    """Raises FatalError for lines that a file has not."""
    for file in found.files:
        last = file.text.removesuffix("\n").count("\n") + 1
        for first, _ in wanted.focus.get(file.path, ()):
            if first > last:
                raise FatalError(f"{file.path}:{first}: there is no such line; the last one is {last}")


def testing(
    repo: Repo, config: Config, plan: Plan, wanted: Wanted, *, model: str = "", progress: Progress = _quiet
) -> Question:
    """Of new tests; `wanted` has what else is to be read, and said. Raises as `editing`."""
    words = "\n".join(filter(None, (plan.instruction, wanted.words)))
    wanted = Wanted(edit=(plan.destination.path,), read=(*wanted.read, *plan.read), words=words, focus=plan.focus)
    made = editing(repo, config, TEST, wanted, model=model, progress=progress)
    return made._replace(judge=partial(planning.judge, plan))


def is_output(words: str) -> bool:
    """Whether what somebody says of a failure was pasted rather than written: lines that name places."""
    return "\n" in words and bool(places.find(words))


def mending(
    repo: Repo, config: Config, failure: Failure, wanted: Wanted, *, model: str = "", progress: Progress = _quiet
) -> Question:
    """Of what fails: where no file is named it is those that the failure is about. Raises as `editing`."""
    edit = wanted.edit or (() if wanted.symbol else failure.edit)
    if not edit and not wanted.symbol:
        raise FatalError("the output names no place in this repository", hint="name the files that may be changed")
    wanted = wanted._replace(
        words=wanted.words or f"Mend this: {failure.said}",
        edit=edit,
        read=(*wanted.read, *(path for path in failure.focus if path not in edit)),
        focus={**failure.focus, **wanted.focus},
    )
    made = editing(repo, config, FIX, wanted, model=model, progress=progress)
    return made._replace(asked=made.asked._replace(before=(failure.tried,)))


def explaining(repo: Repo, config: Config, wanted: Wanted, *, model: str = "", progress: Progress = _quiet) -> Question:
    """Of what is read and stays as it is. Raises as `editing`."""
    made = editing(repo, config, EXPLAIN, wanted, model=model, progress=progress)
    for path in made.asked.create:
        if not path.endswith("/"):
            raise FatalError(f"{path}: there is no such file")
    files = tuple(file._replace(editable=False) for file in made.asked.files)
    return made._replace(asked=made.asked._replace(files=files, create=()))
