"""The shapes of the answers as programs (engine/program.py): one commit's entry, and which entries are one."""

from __future__ import annotations

import re

from maw.generate.history.sections import NONE, SECTIONS
from maw.messages import tidy
from maw.text import printable
from maw_remote.engine.program import Option, Pick, Program, Say, Write

ENTRY_TOKENS = 64
ENTRY_MAX = 300  # characters
_ENTRY = Write("entry", ENTRY_TOKENS, ("\n",))
_OPENING = re.compile(r"(?i)\A(?:[-*\u2022]\s+|(?:entry|change ?log|added|changed|fixed|removed):\s*)+")


def entry(section: str | None) -> Program:
    """The answer about one commit. Where its message names the section, the model does not have to."""
    if section is not None:
        return (Say(f"Section: {section}\nEntry:"), _ENTRY)
    then: Program = (Say("Entry:"), _ENTRY)
    told = [Option(f" {name}\n", name, then) for name in SECTIONS]
    return (Say("Section:"), Pick("section", (*told, Option(f" {NONE}\n", NONE))))


def same(candidates: int) -> Program:
    """Which of so many entries, counted from 1, tells the same as another; NONE for none of them."""
    options = [Option(f" {number}\n", str(number)) for number in range(1, candidates + 1)]
    return (Say("Same as:"), Pick("same", (Option(f" {NONE}\n", NONE), *options)))


def tidied(text: str) -> str:
    """An entry on one line, without what models put around it; empty when it says nothing."""
    line = " ".join(printable(text).replace("\N{REPLACEMENT CHARACTER}", "").replace("```", "").split())
    line = _OPENING.sub("", line).strip().strip('"').strip()
    line = tidy.shortened(line, ENTRY_MAX)
    return line[:1].upper() + line[1:] if re.search(r"\w", line) else ""
