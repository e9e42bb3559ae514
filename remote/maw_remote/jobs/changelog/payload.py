"""What a change log is asked with: the payload, checked once where it enters."""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

COMMITS_MAX = 1000
MESSAGE_MAX, PATCH_MAX = 4000, 16_000  # characters of a commit
PATHS_MAX, PATH_MAX = 100, 300
NOTES_MAX, NOTE_MAX = 20, 300
STYLE_MAX = 8  # entries
KEYS = ("commits", "style", "instruction", "project", "model", "redacted")


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
    reading.version(payload, "changelog")
    reading.title(payload)
    commits = reading.items(payload, "commits")
    if not commits:
        raise BadInput("there are no commits to tell of")
    if len(commits) > COMMITS_MAX:
        raise BadInput(f"{len(commits)} commits; {COMMITS_MAX} at most")
    return Payload(
        commits=[_commit(entry) for entry in commits],
        style=reading.texts(payload, "style", STYLE_MAX, NOTE_MAX),
        instruction=reading.instruction(payload),
        project=reading.project(payload),
        model=reading.model(payload),
        redacted=payload.get("redacted") is True,
    )


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
