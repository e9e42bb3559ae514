"""What a change log is asked with: the payload, checked once where it enters."""

from __future__ import annotations

import json
from typing import NamedTuple

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

TITLE_MAX = 200  # characters
COMMITS_MAX = 1000
MESSAGE_MAX, PATCH_MAX = 4000, 16_000  # characters of a commit
PATHS_MAX, PATH_MAX = 100, 300
NOTES_MAX, NOTE_MAX = 20, 300
STYLE_MAX = 8  # entries
TEXT_MAX = 8000  # characters of an instruction
_KEYS = ("commits", "style", "instruction", "project", "model", "redacted")


class Commit(NamedTuple):
    """`patch` is the start of it, `notes` what is known of it besides, a line each."""

    id: str
    message: str
    paths: tuple[str, ...]
    patch: str
    notes: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]


class Payload(NamedTuple):
    """`commits` oldest first; `style`: entries that the project has written; `model`: another than the node's
    Manager."""

    commits: list[Commit]
    style: list[str]
    instruction: str
    project: str
    model: str
    redacted: bool


def parse(payload: Json) -> Payload:
    """The payload as a record. Raises BadInput with what is wrong."""
    if payload.get("v") != 1:
        raise BadInput(f"a changelog payload of version {payload.get('v')!r}; this runner knows version 1")
    title(payload)
    commits = reading.items(payload, "commits")
    if not commits:
        raise BadInput("there are no commits to tell of")
    if len(commits) > COMMITS_MAX:
        raise BadInput(f"{len(commits)} commits; {COMMITS_MAX} at most")
    return Payload(
        commits=[_commit(entry) for entry in commits],
        style=reading.texts(payload, "style", STYLE_MAX, NOTE_MAX),
        instruction=reading.text(payload.get("instruction", ""), "instruction")[:TEXT_MAX],
        project=project(payload),
        model=reading.text(payload.get("model", ""), "model")[:TITLE_MAX],
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
    identity, message = (reading.text(entry.get(key), f"commits.{key}") for key in ("id", "message"))
    return Commit(
        identity[:PATH_MAX],
        message[:MESSAGE_MAX],
        tuple(reading.texts(entry, "paths", PATHS_MAX, PATH_MAX)),
        reading.text(entry.get("patch", ""), "commits.patch")[:PATCH_MAX],
        tuple(reading.texts(entry, "notes", NOTES_MAX, NOTE_MAX)),
    )
