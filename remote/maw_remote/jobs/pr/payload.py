"""What a description of a branch is asked with: the payload, checked once where it enters."""

from __future__ import annotations

import json
from typing import NamedTuple

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

TITLE_MAX = 200  # characters
COMMITS_MAX = 500
SUBJECT_MAX, BODY_MAX = 200, 2000  # characters
FACTS_MAX, FACT_MAX = 50, 300
TEXT_MAX = 8000  # characters of an instruction
SKIPPED_MAX = 1000
_KEYS = ("diff", "commits", "facts", "instruction", "project", "model", "skipped", "redacted")


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
    if payload.get("v") != 1:
        raise BadInput(f"a pr payload of version {payload.get('v')!r}; this runner knows version 1")
    title(payload)
    return Payload(
        diff=reading.patch(payload),
        commits=[_commit(entry) for entry in reading.items(payload, "commits")[:COMMITS_MAX]],
        facts=reading.texts(payload, "facts", FACTS_MAX, FACT_MAX),
        instruction=reading.text(payload.get("instruction", ""), "instruction")[:TEXT_MAX],
        project=project(payload),
        model=reading.text(payload.get("model", ""), "model")[:TITLE_MAX],
        skipped=reading.skipped(payload, SKIPPED_MAX),
        redacted=payload.get("redacted") is True,
    )


def project(payload: Json) -> str:
    """The project's own instructions. Raises BadInput."""
    return reading.text(payload.get("project", ""), "project")[:TEXT_MAX]


def fingerprint(payload: Json) -> bytes:
    """All that determines the answer."""
    return json.dumps([payload.get(key) for key in _KEYS], sort_keys=True, separators=(",", ":")).encode("ascii")


def title(payload: Json) -> str:
    """What a person sees in the queue. Raises BadInput."""
    return reading.text(payload.get("title", ""), "title")[:TITLE_MAX]


def _commit(value: object) -> Commit:
    entry = reading.record(value, "commits")
    subject, body = (reading.text(entry.get(key, ""), f"commits.{key}") for key in ("subject", "body"))
    notes = reading.texts(entry, "notes", FACTS_MAX, FACT_MAX)
    return Commit(subject[:SUBJECT_MAX], body[:BODY_MAX], tuple(notes))
