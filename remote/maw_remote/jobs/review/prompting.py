"""The prompt of a unit, from the files in prompts/. What units share comes first, so that it is evaluated once."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from maw.globs import matches
from maw.secrets import MARK
from maw_remote.engine.interface import Message
from maw_remote.jobs import prompts
from maw_remote.jobs.review.payload import Rule
from maw_remote.jobs.review.units import PATH_SHOWN, Piece, Unit, is_judged, shown

# Code and answer of each. A model leans to the last one, and should rather say too much: the second look takes back
# what does not hold, but nobody looks again at what the first one missed.
_EXAMPLES = (("example_right_code", "example_right_answer"), ("example_wrong_code", "example_wrong_answer"))
NAMES = ("system", "rules", "unit", "verify", "redacted", *(name for pair in _EXAMPLES for name in pair))


def load(name: str) -> str:
    """The text of prompts/NAME.md."""
    return prompts.load("maw_remote.jobs.review", name)


def system(path: str, rules: Sequence[Rule]) -> str:
    """The system message: how to review, and the project's rules for this path (those for all files first)."""
    heeded = sorted((rule for rule in rules if matches(path, rule.glob)), key=lambda rule: rule.glob != "**")
    if not heeded:
        return load("system")
    listed = "\n".join(f"- {rule.text.strip()}" for rule in heeded)
    return load("system") + Template(load("rules")).substitute(rules=listed)


def shared(path: str, rules: Sequence[Rule]) -> list[Message]:
    """How each chat about this path begins: the system message, and examples as if they had been asked and answered.
    Said that way, small models keep to the format; described alone they do not."""
    found = [Message("system", system(path, rules))]
    for pair in _EXAMPLES:
        code, answer = (load(name).rstrip("\n") for name in pair)
        asked = Template(load("unit")).substitute(path="example.py", status="modified", old="", new=code)
        found += [Message("user", asked), Message("assistant", answer)]
    return found


def note(unit: Unit, redacted: bool) -> str:
    """What is said about the unit where values of secrets were taken out of the change (`redacted`), and out of it."""
    lines = (line.text for piece in unit.pieces for line in piece.lines)
    if redacted and any(MARK.encode("ascii") in text for text in lines):
        return "\n" + Template(load("redacted")).substitute(mark=MARK).rstrip("\n")
    return ""


def messages(unit: Unit, rules: Sequence[Rule], *, redacted: bool = False) -> list[Message]:
    """The chat that asks about one unit."""
    return chat("unit", unit, rules, redacted=redacted)


def chat(name: str, unit: Unit, rules: Sequence[Rule], *, redacted: bool, **more: str) -> list[Message]:
    """What chats have in common, and as the last message prompts/NAME.md about the unit."""
    removed = any(line.kind == "-" for piece in unit.pieces for line in piece.lines)
    asked = Template(load(name)).substitute(
        path=shown(unit.path.encode("utf-8", "replace"), PATH_SHOWN),
        status=unit.status,
        old=f"\nOld code:\n{_side(unit.pieces, '-')}\n" if removed else "",
        new=_side(unit.pieces, "+") + note(unit, redacted),
        **more,
    )
    return [*shared(unit.path, rules), Message("user", asked)]


def _side(pieces: Sequence[Piece], kind: str) -> str:
    """The old ('-') or the new ('+') code; of the new one, added lines have their number in front."""
    parts = []
    for piece in pieces:
        lines = [line for line in piece.lines if line.kind in (" ", kind)]
        code = [f"{line.new if is_judged(line) else ''}| {shown(line.text)}" for line in lines]
        parts.append("\n".join([f"@@ {piece.section}"] * bool(piece.section) + code))
    return "\n...\n".join(part for part in parts if part)
