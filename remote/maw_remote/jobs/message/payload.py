"""What a message is asked with: the payload, checked once where it enters."""

from __future__ import annotations

from typing import NamedTuple

from maw.messages import profile
from maw.messages.profile import Profile
from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

BRANCH_MAX = 200  # characters
EXAMPLES_MAX = 8
TEXT_MAX = 4000  # characters of an example or a draft
COUNT_MAX = 8
SKIPPED_MAX = 1000
KEYS = (
    "diff", "profile", "examples", "branch", "ticket", "draft", "count", "skipped", "redacted", "instruction", "model",
)  # fmt: skip


class Payload(NamedTuple):
    """`wanted` is how many different messages; `skipped` are the paths whose change the client left out; `model`:
    another than the node's Manager. docs/protocol.md tells the rest."""

    diff: bytes
    profile: Profile
    examples: list[str]
    branch: str
    ticket: str
    draft: str
    wanted: int
    skipped: list[str]
    redacted: bool
    instruction: str
    model: str


def parse(payload: Json) -> Payload:
    """The payload as a record. Raises BadInput with what is wrong."""
    reading.version(payload, "message")
    reading.title(payload)
    return Payload(
        diff=reading.patch(payload),
        profile=learned(payload),
        examples=reading.texts(payload, "examples", EXAMPLES_MAX, TEXT_MAX),
        branch=reading.text(payload.get("branch", ""), "branch")[:BRANCH_MAX],
        ticket=_line(payload.get("ticket", "")),
        draft=reading.text(payload.get("draft", ""), "draft")[:TEXT_MAX],
        wanted=_count(payload.get("count", 1)),
        skipped=reading.skipped(payload, SKIPPED_MAX),
        redacted=payload.get("redacted") is True,
        instruction=reading.instruction(payload),
        model=reading.model(payload),
    )


def learned(payload: Json) -> Profile:
    """The repository's habits. Raises BadInput."""
    try:
        return profile.from_json(payload.get("profile", {}))
    except ValueError as exc:
        raise BadInput(f"`profile`: {exc}") from exc


def _line(value: object) -> str:
    text = reading.text(value, "ticket")
    if len(text) > 40 or not text.isprintable():
        raise BadInput("`ticket` is no ticket's id")
    return text


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= COUNT_MAX:
        raise BadInput(f"`count` is a number from 1 to {COUNT_MAX}")
    return value
