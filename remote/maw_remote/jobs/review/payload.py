"""What a review is asked: the payload, checked once where it enters."""

from __future__ import annotations

from typing import NamedTuple

from maw_remote.jobs import reading
from maw_remote.jobs.interface import BadInput, Json

RULES_MAX = 200
RULE_TEXT_MAX = 4000  # characters
# What determines the result: titles and the names of trees do not.
KEYS = ("diff", "rules", "exclude", "skipped", "max_file_bytes", "redacted")


class Rule(NamedTuple):
    """What to look for, in the user's words, in the files that `glob` covers."""

    glob: str
    text: str


class Skipped(NamedTuple):
    path: str
    reason: str


class Payload(NamedTuple):
    """`diff` has the patch's bytes; `skipped` what the client left out already. `redacted`: it took values of secrets
    out of the patch."""

    title: str
    diff: bytes
    rules: list[Rule]
    exclude: list[str]
    skipped: list[Skipped]
    max_file_bytes: int
    redacted: bool


def parse(payload: Json) -> Payload:
    """The payload as a record. Raises BadInput with what is wrong."""
    reading.version(payload, "review")
    return Payload(
        title=reading.title(payload),
        diff=reading.patch(payload),
        rules=rules(payload),
        exclude=[reading.text(glob, "exclude") for glob in reading.items(payload, "exclude")],
        skipped=[_skipped(entry) for entry in reading.items(payload, "skipped")],
        max_file_bytes=_count(payload.get("max_file_bytes", 1_000_000)),
        redacted=payload.get("redacted") is True,
    )


def rules(payload: Json) -> list[Rule]:
    """The project's rules. Raises BadInput."""
    values = reading.items(payload, "rules")
    if len(values) > RULES_MAX:
        raise BadInput(f"{len(values)} review rules; {RULES_MAX} at most")
    return [_rule(value) for value in values]


def _rule(value: object) -> Rule:
    if not isinstance(value, dict):
        raise BadInput("an entry of `rules` is not an object")
    rule = Rule(reading.text(value.get("glob", "**"), "rules.glob"), reading.text(value.get("text"), "rules.text"))
    if len(rule.text) > RULE_TEXT_MAX:
        raise BadInput(f"a review rule of {len(rule.text)} characters; {RULE_TEXT_MAX} at most")
    return rule


def _skipped(value: object) -> Skipped:
    if not isinstance(value, dict):
        raise BadInput("an entry of `skipped` is not an object")
    return Skipped(reading.text(value.get("path"), "skipped.path"), reading.text(value.get("reason"), "skipped.reason"))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadInput("`max_file_bytes` is not a number of bytes")
    return value
