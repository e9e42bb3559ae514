"""The prompts of a change log, from the files in prompts/. The system message is the same for all commits, so that it
is evaluated once."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from maw.secrets import MARK
from maw_remote.engine.interface import Message
from maw_remote.jobs import digest, prompts
from maw_remote.jobs.changelog.payload import Commit, Payload

NAMES = ("system", "commit", "same", "project", "style", "redacted")
PATHS_SHOWN = 20


def load(name: str) -> str:
    """The text of prompts/NAME.md."""
    return prompts.load("maw_remote.jobs.changelog", name)


def beginning(asked: Payload) -> list[Message]:
    """How each chat of a project begins."""
    parts = [load("system")]
    if asked.project.strip():
        parts.append(Template(load("project")).substitute(project=digest.shown_text(asked.project)))
    if asked.instruction.strip():
        parts.append(Template(load("project")).substitute(project=digest.shown_text(asked.instruction)))
    if asked.style:
        listed = "\n".join(f"- {digest.shown_text(one)}" for one in asked.style)
        parts.append(Template(load("style")).substitute(style=listed))
    if asked.redacted:
        parts.append(Template(load("redacted")).substitute(mark=MARK))
    return [Message("system", "\n".join(parts))]


def commit(asked: Payload, one: Commit, patch: Sequence[str]) -> list[Message]:
    """The chat about one commit, of whose patch some lines are shown."""
    notes = "".join(f"Known: {digest.shown_text(note)}\n" for note in one.notes)
    paths = [digest.shown_path(path) for path in one.paths[:PATHS_SHOWN]]
    more = f" and {len(one.paths) - PATHS_SHOWN} more" if len(one.paths) > PATHS_SHOWN else ""
    text = Template(load("commit")).substitute(
        message=digest.shown_text(one.message), notes=notes, paths=", ".join(paths) + more, patch="\n".join(patch)
    )
    return [*beginning(asked), Message("user", text)]


def same(asked: Payload, entry: str, others: Sequence[str]) -> list[Message]:
    """The chat that asks which of several entries tells the same."""
    listed = "\n".join(f"{number}. {other}" for number, other in enumerate(others, 1))
    return [*beginning(asked), Message("user", Template(load("same")).substitute(entry=entry, others=listed))]
