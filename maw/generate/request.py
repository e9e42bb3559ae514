"""What a generation is asked with, and its form on the wire (docs/protocol.md). Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from maw.edits.refusal import Refusal

CODE, TEST, DOCS, FIX, REFACTOR, OPTIMIZE, EXPLAIN = "code", "test", "docs", "fix", "refactor", "optimize", "explain"
INSTRUCTION_MAX = 32_000  # characters
ANSWER_MAX, OUTPUT_MAX = 6_000, 6_000  # characters of what was tried before
TOKENS = 2048  # that an answer may have; the node's context bounds it further

Json = dict[str, Any]
Span = tuple[int, int]  # lines from and to, counted from 1


class File(NamedTuple):
    """`focus`: the lines that it is about; none: nobody knows which."""

    path: str
    text: str
    editable: bool = False
    focus: tuple[Span, ...] = ()


class Example(NamedTuple):
    """A similar generation that was accepted before."""

    instruction: str
    diff: str


class Tried(NamedTuple):
    """An answer that was not taken, and why: refusals, or what the user's command said. Without an answer the command
    ran on the tree as it is."""

    answer: str = ""
    refusals: tuple[Refusal, ...] = ()
    output: str = ""


class Asked(NamedTuple):
    """Everything that an answer is made from. `create`: files that may be made, and folders (with a slash at the end)
    below which any may. `project`: the project's own instructions. `model`: another than the node's Generator."""

    task: str
    instruction: str
    files: tuple[File, ...] = ()
    create: tuple[str, ...] = ()
    map: str = ""
    project: str = ""
    examples: tuple[Example, ...] = ()
    before: tuple[Tried, ...] = ()
    redacted: bool = False
    seed: int = 0
    max_tokens: int = TOKENS
    model: str = ""


def payload(asked: Asked, repo_name: str) -> Json:
    """The payload of a generate task."""
    made: Json = {
        "v": 1,
        "title": f"{repo_name}: {asked.task}",
        "task": asked.task,
        "instruction": asked.instruction[:INSTRUCTION_MAX],
        "project": asked.project,
        "files": [_file(file) for file in asked.files],
        "create": list(asked.create),
        "map": asked.map,
        "examples": [{"instruction": one.instruction, "diff": one.diff} for one in asked.examples],
        "before": [_tried(one) for one in asked.before],
        "redacted": asked.redacted,
        "seed": asked.seed,
        "max_tokens": asked.max_tokens,
    }
    return made | ({"model": asked.model} if asked.model else {})


def task(payload: Json, *, fresh: bool = False) -> Json:
    """The request that submits it."""
    request: Json = {"v": 1, "kind": "generate", "payload": payload, "priority": "interactive"}
    return request | ({"fresh": True} if fresh else {})


def _file(file: File) -> Json:
    focus = [list(span) for span in file.focus] or None
    return {"path": file.path, "text": file.text, "editable": file.editable, "focus": focus}


def _tried(one: Tried) -> Json:
    refusals = [{"message": refusal.message, "real": refusal.real} for refusal in one.refusals]
    output = one.output if len(one.output) <= OUTPUT_MAX else f"[…]\n{one.output[-OUTPUT_MAX:]}"
    return {"answer": one.answer[:ANSWER_MAX], "refusals": refusals, "output": output}
