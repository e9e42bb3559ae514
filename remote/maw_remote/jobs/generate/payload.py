"""What a generation is asked with: the payload, checked once where it enters."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

TASKS = ("code", "test", "docs", "fix", "refactor", "optimize", "explain")
PROSE = frozenset({"explain"})  # tasks whose answer is no edit
PATH_MAX = 4096
INSTRUCTION_MAX = 100_000
FILE_MAX = 4 * 1024 * 1024
FILES_MAX = 100
CREATE_MAX = 100
EXAMPLES_MAX = 4
BEFORE_MAX = 8
REFUSALS_MAX = 20
LINES_MAX = 1_000_000
TOKENS_MIN, TOKENS_MAX = 64, 8192
KEYS = (
    "task", "instruction", "project", "files", "create", "map", "examples", "before", "redacted", "seed", "max_tokens",
    "model",
)  # fmt: skip
T = TypeVar("T")


class File(NamedTuple):
    """`focus`: the lines (from, to, counted from 1) that the task is about; none: nobody knows which."""

    path: str
    text: str
    editable: bool
    focus: tuple[tuple[int, int], ...]


class Example(NamedTuple):
    """A similar generation that was accepted."""

    instruction: str
    diff: str


class Before(NamedTuple):
    """What was tried: an answer, and why it was not taken. `refusals` are messages with the real lines."""

    answer: str
    refusals: tuple[tuple[str, str], ...]
    output: str


class Payload(NamedTuple):
    """docs/protocol.md tells what each is."""

    task: str
    instruction: str
    project: str
    files: tuple[File, ...]
    create: tuple[str, ...]
    map: str
    examples: tuple[Example, ...]
    before: tuple[Before, ...]
    redacted: bool
    seed: int
    max_tokens: int
    model: str


def parse(payload: Json) -> Payload:
    """The payload as a record. Raises BadInput with what is wrong."""
    reading.version(payload, "generate")
    reading.title(payload)
    task = payload.get("task")
    if task not in TASKS:
        raise BadInput(f"`task` is one of {', '.join(TASKS)}")
    files = _all(payload, "files", _file, FILES_MAX)
    create = _all(payload, "create", lambda value: _path(value, "create"), CREATE_MAX)
    if task not in PROSE and not create and not any(file.editable for file in files):
        raise BadInput("no file that may be edited, and none that may be made")
    return Payload(
        task=task,
        instruction=reading.text(payload.get("instruction"), "instruction")[:INSTRUCTION_MAX],
        project=reading.project(payload, INSTRUCTION_MAX),
        files=files,
        create=create,
        map=reading.text(payload.get("map", ""), "map"),
        examples=_all(payload, "examples", _example, EXAMPLES_MAX),
        before=_all(payload, "before", _before, BEFORE_MAX),
        redacted=payload.get("redacted") is True,
        seed=_number(payload.get("seed", 0), "seed", 0, 2**31),
        max_tokens=_number(payload.get("max_tokens", TOKENS_MAX), "max_tokens", TOKENS_MIN, TOKENS_MAX),
        model=reading.model(payload),
    )


def _all(payload: Json, key: str, read: Callable[[object], T], most: int) -> tuple[T, ...]:
    found = reading.items(payload, key)
    if len(found) > most:
        raise BadInput(f"`{key}` has {len(found)} entries, more than {most}")
    return tuple(read(value) for value in found)


def _object(value: object, key: str) -> Json:
    if not isinstance(value, dict):
        raise BadInput(f"an entry of `{key}` is not an object")
    return value


def _file(value: object) -> File:
    found = _object(value, "files")
    text = reading.text(found.get("text"), "files.text")
    if len(text) > FILE_MAX:
        raise BadInput(f"`files.text` has {len(text):,} characters, more than {FILE_MAX:,}")
    focus = reading.items(found, "focus") if found.get("focus") is not None else []
    return File(_path(found.get("path"), "files.path"), text, found.get("editable") is True, tuple(map(_lines, focus)))


def _path(value: object, key: str) -> str:
    """A path on one line: what stands in a prompt and in a grammar."""
    path = reading.text(value, key)
    if not path.isprintable() or len(path) > PATH_MAX or not path.strip():
        raise BadInput(f"`{key}` is no path")
    return path


def _lines(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput("`files.focus` is a list of [from, to]")
    first, last = (_number(line, "files.focus", 1, LINES_MAX) for line in value)
    return first, max(first, last)


def _example(value: object) -> Example:
    found = _object(value, "examples")
    return Example(
        reading.text(found.get("instruction"), "examples.instruction"),
        reading.text(found.get("diff"), "examples.diff"),
    )


def _before(value: object) -> Before:
    found = _object(value, "before")
    refusals = [_object(one, "before.refusals") for one in reading.items(found, "refusals")[:REFUSALS_MAX]]
    return Before(
        answer=reading.text(found.get("answer", ""), "before.answer"),
        refusals=tuple(
            (reading.text(one.get("message"), "before.message"), reading.text(one.get("real", ""), "before.real"))
            for one in refusals
        ),
        output=reading.text(found.get("output", ""), "before.output"),
    )


def _number(value: object, key: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(f"`{key}` is a number from {low} to {high}")
    return value
