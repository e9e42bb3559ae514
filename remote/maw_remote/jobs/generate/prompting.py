"""The prompts of a generation, from the files in prompts/. The system message is the same for all tasks of a project
that edit, so that it is evaluated once."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template
from typing import NamedTuple

from maw.edits import answer
from maw.secrets import MARK
from maw_remote.engine.interface import Message
from maw_remote.jobs import prompts
from maw_remote.jobs.generate import shape
from maw_remote.jobs.generate.fitting import Piece, Shown, cleaned, line_shown
from maw_remote.jobs.generate.payload import PROSE, TASKS, Before, Payload

NAMES = (
    "system", "prose", "project", "format", "edit", "explain", "map", "examples", "refused", "failed", "output",
    "redacted", *(f"tasks/{task}" for task in TASKS),
)  # fmt: skip


class Around(NamedTuple):
    """The texts beside the files, as far as there is room for them."""

    map: str = ""
    examples: str = ""
    before: str = ""


def load(name: str) -> str:
    """The text of prompts/NAME.md."""
    return prompts.load("maw_remote.jobs.generate", name)


def beginning(task: str, project: str) -> list[Message]:
    """How each chat of such a task in a project begins."""
    asks = Template(load("project")).substitute(project=cleaned(project)) if project.strip() else ""
    return [Message("system", Template(load("prose" if task in PROSE else "system")).substitute(project=asks))]


def chat(asked: Payload, shown: Sequence[Shown], around: Around) -> list[Message]:
    """The chat that asks for the answer."""
    given = {
        "map": _if(around.map, "map", map=around.map),
        "files": "".join(_file(one, numbered=asked.task in PROSE) for one in shown),
        "examples": _if(around.examples, "examples", examples=around.examples),
        "before": around.before,
        "redacted": _if(asked.redacted, "redacted", mark=MARK),
        "task": load(f"tasks/{asked.task}").strip(),
        "instruction": cleaned(asked.instruction),
    }
    if asked.task in PROSE:
        text = Template(load("explain")).substitute(given)
    else:
        text = Template(load("edit")).substitute(given, format=_format(asked, shown))
    return [*beginning(asked.task, asked.project), Message("user", text.rstrip("\n"))]


def examples(asked: Payload) -> str:
    """Similar accepted generations as text."""
    found = [f"{text_shown(one.instruction)}\n{text_shown(one.diff)}" for one in asked.examples]
    return "\n---\n".join(found)


def before(one: Before, answer_: str, output: str) -> str:
    """What was tried, with as much of its answer and of the output as there is room for."""
    if one.refusals:
        why = "\n".join(_refusal(text_shown(message), text_shown(real)) for message, real in one.refusals)
        return Template(load("refused")).substitute(why=why)
    if one.answer:
        return Template(load("failed")).substitute(answer=answer_, output=output)
    return Template(load("output")).substitute(output=output)


def _refusal(message: str, real: str) -> str:
    return f"- {message}\n  The lines as they are:\n{real}" if real else f"- {message}"


def text_shown(text: str) -> str:
    return "\n".join(line_shown(line) for line in text.strip("\n").split("\n"))


def _if(there: object, name: str, **given: str) -> str:
    return Template(load(name)).substitute(given) if there else ""


def _file(one: Shown, *, numbered: bool) -> str:
    edit = "" if numbered else ' edit="yes"' if one.file.editable else ' edit="no"'
    lines = [f'<file path="{one.file.path}"{edit}>']
    at = 1
    for piece in one.pieces:
        lines += _gap(at, piece.start - 1)
        lines += _numbered(piece) if numbered else [line_shown(line) for line in piece.lines]
        at = piece.end + 1
    if not one.whole:
        lines.append("[the rest is not shown]")
    return "\n".join([*lines, "</file>", "", ""])


def _gap(first: int, last: int) -> list[str]:
    return [f"[lines {first} to {last} are not shown]"] if last >= first else []


def _numbered(piece: Piece) -> list[str]:
    return [f"{number}: {line_shown(line)}" for number, line in enumerate(piece.lines, piece.start)]


def _format(asked: Payload, shown: Sequence[Shown]) -> str:
    marks = answer.marks(shape.mark(asked))
    edited = [one.file.path for one in shown if one.file.editable]
    paths = [
        *edited,
        *(f"{path} (new)" if not path.endswith("/") else f"new files below {path}" for path in asked.create),
    ]
    return Template(load("format")).substitute(marks._asdict(), paths=f"You may edit: {', '.join(paths)}.")
