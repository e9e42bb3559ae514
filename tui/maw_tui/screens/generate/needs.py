"""What each task does, and what it needs before anything can be written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from maw.generate import tasks
from maw.generate.request import CODE, DOCS, EXPLAIN, FIX, OPTIMIZE, REFACTOR, TEST
from maw.text import flat, one_line
from maw_tui.screens.generate import options
from maw_tui.screens.generate.options import FROM

_OPTIONAL = "optional"
_WORDS_NAME_THEM = "required, unless the instruction names them"
_BEFORE_AND_AFTER = "optional; has to pass before and after"


class Draft(NamedTuple):
    """What somebody composed. `task` is one of maw.generate.request; `paths` may name definitions and lines in files;
    `verify` and `bench` are commands, empty for none; `options` has what was given for those that the task takes."""

    task: str
    words: str = ""
    paths: tuple[str, ...] = ()
    verify: str = ""
    bench: str = ""
    options: Mapping[str, str] = {}


class Task(NamedTuple):
    """`words`, `files` and `command` tell what is needed of each, and what is taken instead; a task without a
    command runs none."""

    name: str
    about: str
    words: str
    files: str
    command: str = ""

    @property
    def usual(self) -> str:
        """What is asked for where nothing is written."""
        return tasks.USUAL.get(self.name, "")


_ALL = (
    Task(CODE, "Write or change code", "required", "optional; else those that the instruction names", _OPTIONAL),
    Task(TEST, "Write tests where the project has its tests", _OPTIONAL, "required; one", _OPTIONAL),
    Task(DOCS, "Write docstrings and comments; the code stays as it is", _OPTIONAL, _WORDS_NAME_THEM, _OPTIONAL),
    Task(REFACTOR, "Make code simpler while it does the same", _OPTIONAL, _WORDS_NAME_THEM, _BEFORE_AND_AFTER),
    Task(OPTIMIZE, "Make code faster while it does the same", _OPTIONAL, _WORDS_NAME_THEM, _BEFORE_AND_AFTER),
    Task(
        FIX, "Mend what a command, or its output, says is wrong", "optional; or a pasted output",
        "optional; else those that the output is about", "required, unless an output is pasted",
    ),
    Task(EXPLAIN, "Explain code, or answer a question; nothing is changed", "optional; a question", _WORDS_NAME_THEM),
)  # fmt: skip
TASKS = {task.name: task for task in _ALL}


class Need(NamedTuple):
    """Files, a command or options: `told` is what was chosen, or what is needed of it; `action` chooses it."""

    name: str
    told: str
    action: str


def listed(draft: Draft) -> list[Need]:
    """What else than an instruction the task takes."""
    task = TASKS[draft.task]
    files = ", ".join(map(flat, draft.paths))
    found = [Need("files (ctrl+o)", files or task.files, "files")]
    if task.command:
        found.append(Need("command (v)", _command(draft.verify) or task.command, "verify"))
    if task.name == OPTIMIZE:
        found.append(Need("timed with (b)", _command(draft.bench) or _OPTIONAL, "bench"))
    return [*found, Need("options (o)", _options(draft), "options")]


def missing(draft: Draft) -> str:
    """What has to be said or chosen first, in a line; empty where nothing has."""
    if draft.task == TEST:
        return _one_file(draft.paths)
    if draft.words or FROM in draft.options:
        return ""
    if draft.task == CODE:
        return "say what is to be done first: i"
    if draft.task == FIX:
        return "" if draft.verify else "name a command that fails first: v; or paste its output: i"
    return "" if draft.paths else "choose files first: ctrl+o; or name them in the instruction: i"


def _one_file(paths: tuple[str, ...]) -> str:
    if len(paths) != 1:
        many = f"; {len(paths)} are chosen" if paths else ""
        return f"choose the one file that is to be tested first: ctrl+o{many}"
    return f"{flat(paths[0])} is a folder; choose one file that is to be tested: ctrl+o" if paths[0][-1:] == "/" else ""


def _command(command: str) -> str:
    return f"`{one_line(command)}`" if command else ""


def _options(draft: Draft) -> str:
    """What was given, as the command line has it; where that is nothing, what may be."""
    given = "  ".join(f"--{name} {one_line(text)}" for name, text in draft.options.items())
    return given or f"optional: {', '.join(option.name for option in options.of_task(draft.task))}"
