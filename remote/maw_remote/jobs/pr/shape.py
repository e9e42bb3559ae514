"""The shape of a description as a program (engine/program.py): title, summary, how to test, risk.

What makes the change risky is said before how risky it is: a choice that follows its reason is a better one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from maw.messages import tidy
from maw.messages.profile import Profile
from maw.text import printable
from maw_remote.engine.interface import Field
from maw_remote.engine.program import Option, Pick, Program, Say, Write

LEVELS = ("low", "medium", "high")
TITLE_ROOM = 72  # characters
POINTS_MAX = 8
POINT_MAX = 400  # characters
_LIST = re.compile(r"\s*(?:[-*\u2022]|\d+[.)])\s+")

# Each text ends where the next part begins, with or without a blank line between them: models do as they like.
PROGRAM: Program = (
    Say("Title:"),
    Write("title", 28, ("\nSummary:",)),
    Say("\nSummary:\n-"),
    Write("summary", 224, ("\nHow to test:",)),
    Say("\nHow to test:\n-"),
    Write("tests", 128, ("\nRisk:",)),
    Say("\nRisk:"),
    Write("risk", 64, ("\nRisk level:",)),
    Say("\nRisk level:"),
    Pick("level", tuple(Option(f" {level}", level) for level in LEVELS)),
)


def assemble(fields: Mapping[str, Field]) -> dict[str, Any]:
    """The description that the answer's fields make; a title or texts that say nothing are empty."""
    said = {name: field.value for name, field in fields.items()}
    level = fields.get("level")
    return {
        "title": tidy.subject_text(said.get("title", ""), Profile(), TITLE_ROOM),
        "summary": points(said.get("summary", "")),
        "risk": {
            "level": level.value if level is not None else None,
            "probability": level.probability if level is not None else None,
            "text": plain(said.get("risk", "")),
        },
        "tests": points(said.get("tests", "")),
    }


def points(text: str) -> list[str]:
    """The points of a list, each once; one that goes on over several lines is one."""
    found: list[str] = []
    for line in printable(text).split("\n"):
        if _LIST.match(line) or not found:
            found.append(_LIST.sub("", line, count=1))
        elif line.strip():
            found[-1] += f" {line.strip()}"
    cleaned = (plain(point) for point in found)
    return list(dict.fromkeys(point for point in cleaned if point))[:POINTS_MAX]


def plain(text: str) -> str:
    """A text on one line, without what does not belong into one; empty when it says nothing."""
    line = " ".join(printable(text).replace("\N{REPLACEMENT CHARACTER}", "").replace("```", "").split())
    return tidy.shortened(line, POINT_MAX) if re.search(r"\w", line) else ""
