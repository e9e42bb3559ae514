"""What a description of a branch is asked with: the payload, checked once where it enters."""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.jobs import reading
from maw_remote.jobs.interface import Json

COMMITS_MAX = 500
SUBJECT_MAX, BODY_MAX = 200, 2000  # characters
FACTS_MAX, FACT_MAX = 50, 300
SKIPPED_MAX = 1000
KEYS = ("diff", "commits", "facts", "instruction", "project", "model", "skipped", "redacted")


class Commit(NamedTuple):
    """`body` without trailers; `notes` are what is known of it besides, a line each."""

    subject: str
    body: str
    notes: tuple[str, ...]


class Payload(NamedTuple):
    """`commits` oldest first; `facts`: what is certain about the change, a line each; `model`: another than the node's
    Manager. docs/protocol.md tells the rest."""

    diff: bytes
    commits: list[Commit]
    facts: list[str]
    instruction: str
    project: str
    model: str
    skipped: list[str]
    redacted: bool


def parse(payload: Json) -> Payload:
    """The payload as a record. Raises BadInput with what is wrong."""
    reading.version(payload, "pr")
    reading.title(payload)
    return Payload(
        diff=reading.patch(payload),
        commits=[_commit(entry) for entry in reading.items(payload, "commits")[:COMMITS_MAX]],
        facts=reading.texts(payload, "facts", FACTS_MAX, FACT_MAX),
        instruction=reading.instruction(payload),
        project=reading.project(payload),
        model=reading.model(payload),
        skipped=reading.skipped(payload, SKIPPED_MAX),
        redacted=payload.get("redacted") is True,
    )


def _commit(value: object) -> Commit:
    entry = reading.record(value, "commits")
    subject, body = (reading.text(entry.get(key, ""), f"commits.{key}") for key in ("subject", "body"))
    notes = reading.texts(entry, "notes", FACTS_MAX, FACT_MAX)
    return Commit(subject[:SUBJECT_MAX], body[:BODY_MAX], tuple(notes))
