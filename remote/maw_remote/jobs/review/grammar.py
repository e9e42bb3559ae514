"""The shape of a unit's answer, as a grammar for llama.cpp (GBNF), and how long such an answer can get.

Written by hand and kept to what llama.cpp surely takes: a rule a line, alternatives within their line, every text
bounded. A bad grammar would end the worker process; a text without a bound would be cut by the token limit and
leave broken JSON. A finding's line is one of the unit's own added lines because nothing else can be written.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from maw.change import Line
from maw.finding import SEVERITIES
from maw_remote.jobs.review.units import Unit, shown

CATEGORIES = ("bug", "security", "error-handling", "concurrency", "performance", "api", "maintainability")
QUOTE_SHOWN = 60  # characters of a line that an answer repeats
# One character that may stand in a JSON string, and one that may begin a text (no blank).
_CHAR = r'[^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]'
_FIRST = r'[^"\\\x00-\x20\x7F]'
_CHARS_PER_TOKEN = 2  # fewer than in any prose or code measured (3 to 4): room for the worst
_FRAME_TOKENS = 60  # keys and punctuation of one finding


class Limits(NamedTuple):
    """Bounds of an answer: number of findings, and characters of each text."""

    findings: int = 3
    scenario: int = 280
    title: int = 80
    suggestion: int = 240
    replacement: int = 200


def max_tokens(limits: Limits) -> int:
    """The token limit that goes with `limits`: an answer within them is not cut."""
    texts = limits.scenario + limits.title + limits.suggestion + limits.replacement + QUOTE_SHOWN
    return 16 + limits.findings * (_FRAME_TOKENS + texts // _CHARS_PER_TOKEN)


def quotes(unit: Unit) -> dict[str, Line]:
    """The unit's added lines by how an answer names them: number and text, as the prompt shows them."""
    return {f"{line.new}| {shown(line.text.strip(), QUOTE_SHOWN)}": line for line in unit.judged()}


def build(unit: Unit, limits: Limits) -> str:
    """The grammar of this unit's answer."""
    more = f'("," finding){{0,{limits.findings - 1}}}' if limits.findings > 1 else ""
    rules = {
        "root": rf'"{{\"findings\":[" (finding {more})? "]}}"',
        "finding": " ".join(
            [
                r'"{\"quote\":\"" quote "\",\"scenario\":\""',
                _bounded(limits.scenario),
                r'"\",\"title\":\""',
                _bounded(limits.title),
                r'"\",\"severity\":\"" severity "\",\"category\":\"" category "\",\"suggestion\":\""',
                _bounded(limits.suggestion),
                r'"\",\"replacement\":" replacement "}"',
            ]
        ),
        "severity": " | ".join(literal(word) for word in SEVERITIES),
        "category": " | ".join(literal(word) for word in CATEGORIES),
        "replacement": rf'"null" | "\"" char{{0,{limits.replacement}}} "\""',
        "quote": _tree([json.dumps(quote, ensure_ascii=False)[1:-1] for quote in quotes(unit)]),
        "first": _FIRST,
        "char": _CHAR,
    }
    return "".join(f"{name} ::= {rule}\n" for name, rule in rules.items())


def literal(text: str) -> str:
    """A text as a GBNF literal. No line ends or other control characters may be in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bounded(limit: int) -> str:
    return f"first char{{0,{limit - 1}}}"


def _tree(texts: list[str]) -> str:
    """Alternatives, those with a first character in common gathered: llama.cpp's work at each token grows with the
    alternatives that are still open. Mostly only digits are gathered, since texts differ before their digits end; but
    hunks that overlap name a line twice, and one of its texts may even begin the other."""
    groups: dict[str, list[str]] = {}
    for text in filter(None, texts):
        groups.setdefault(text[0], []).append(text)
    found = []
    for first, members in groups.items():
        if len(members) == 1:
            found.append(literal(members[0]))
        else:
            found.append(f"{literal(first)} ({_tree([member[1:] for member in members])})")
    tree = " | ".join(found)
    return f"({tree})?" if "" in texts else tree
