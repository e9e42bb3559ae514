"""The sections of a change log (Keep a Changelog), and what a commit's own words say about where it belongs. Pure;
standard library only."""

from __future__ import annotations

import re

from maw.messages import subject

SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
NONE = "none"  # nothing that users of the project notice
# Types of commits by which people say it themselves (https://www.conventionalcommits.org).
_BY_TYPE = {
    "feat": "Added", "fix": "Fixed", "perf": "Changed", "security": "Security",
    "docs": NONE, "test": NONE, "chore": NONE, "ci": NONE, "build": NONE, "style": NONE, "refactor": NONE, "wip": NONE,
    "release": NONE,
}  # fmt: skip
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE:", re.MULTILINE)
_QUIET = re.compile(r"(?i)(?:fixup|squash|amend)! |release v?\d|bump version|v?\d+\.\d+\.\d+\Z|merge\b")


def said(message: str) -> str | None:
    """The section that a commit's message names by its form, NONE for none; None where that cannot be told."""
    line = message.partition("\n")[0]
    if _QUIET.match(line):
        return NONE
    found = _BY_TYPE.get(subject.read(line).type.lower())
    return "Changed" if found in (NONE, None) and is_breaking(message) else found


def is_breaking(message: str) -> bool:
    """Whether a message says by its form that users have to change something."""
    return subject.read(message.partition("\n")[0]).breaking or _BREAKING.search(message) is not None


def without_type(line: str) -> str:
    """A subject as an entry: without its type or the name of a part."""
    text = subject.read(line).text.strip()
    return text[:1].upper() + text[1:]
