"""The prompts of a description, from the files in prompts/. The system message is the same for all of them, so that it
is evaluated once."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from maw.change import FileChange
from maw.secrets import MARK
from maw_remote.engine.interface import Message
from maw_remote.jobs import digest, prompts
from maw_remote.jobs.pr.payload import Commit, Payload
from maw_remote.jobs.review.units import Piece

NAMES = ("system", "change", "file", "project", "redacted")
COMMITS_SHOWN = 40
BODY_SHOWN = 400  # characters of a commit's body


def load(name: str) -> str:
    """The text of prompts/NAME.md."""
    return prompts.load("maw_remote.jobs.pr", name)


def beginning(project: str) -> list[Message]:
    """How each chat of a repository begins."""
    own = Template(load("project")).substitute(project=digest.shown_text(project)) if project.strip() else ""
    return [Message("system", load("system") + own)]


def change(asked: Payload, found: digest.Shown) -> list[Message]:
    """The chat about a change that is shown whole, or by a line for each file."""
    shown = found.code or "\n".join(found.parts)
    text = Template(load("change")).substitute(about=_about(asked), change=shown)
    return [*beginning(asked.project), Message("user", text)]


def summary(asked: Payload, file: FileChange, pieces: Sequence[Piece]) -> list[Message]:
    """The chat that asks what one file's change does."""
    text = Template(load("file")).substitute(code=digest.code(file, pieces))
    return [*beginning(asked.project), Message("user", text)]


def _about(asked: Payload) -> str:
    """What there is besides the change: its commits, what is certain, what was asked for."""
    parts = []
    if asked.instruction.strip():
        parts.append(f"What its author asks for: {digest.shown_text(asked.instruction)}\n")
    if asked.commits:
        parts.append("Its commits, oldest first:\n" + "\n".join(map(_commit, _shown(asked.commits))) + "\n")
    if asked.facts:
        parts.append("What is certain:\n" + "\n".join(f"- {digest.shown_text(fact)}" for fact in asked.facts) + "\n")
    if asked.redacted:
        parts.append(Template(load("redacted")).substitute(mark=MARK))
    return "\n".join(parts)


def _shown(commits: Sequence[Commit]) -> list[Commit]:
    """The first and the last ones, where there are many."""
    half = COMMITS_SHOWN // 2
    return list(commits) if len(commits) <= COMMITS_SHOWN else [*commits[:half], *commits[-half:]]


def _commit(commit: Commit) -> str:
    body = digest.shown_text(commit.body[:BODY_SHOWN]).replace("\n", "\n  ")
    lines = [f"- {digest.shown_text(commit.subject)}", *([f"  {body}"] if commit.body.strip() else [])]
    return "\n".join([*lines, *(f"  ({digest.shown_text(note)})" for note in commit.notes)])
