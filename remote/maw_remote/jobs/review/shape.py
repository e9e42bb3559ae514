"""The shape of a unit's answer as a program (engine/program.py), and how long such an answer can get.

Lines, not JSON: small models write them better, and nothing needs escaping. A finding's line is one of the unit's own
added lines because nothing else can be written; how it fails comes before how bad it is. prompts/system.md shows the
format to the model and must agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maw.finding import SEVERITIES
from maw_remote.engine.program import Option, Pick, Program, Say, Write, max_tokens

CATEGORIES = ("bug", "security", "error-handling", "concurrency", "performance", "api", "maintainability")
YES, NO = "yes", "no"
NONE, GIVEN = "none", "given"  # of a replacement
TEXTS = ("scenario", "title", "suggestion", "code")  # what is written freely; `code` is a replacement's
_LINE_END = ("\n",)
_LARGEST = 10**7  # no line's number is written in more digits than this one's


class Limits(NamedTuple):
    """Bounds of an answer: number of findings, and tokens of each text."""

    findings: int = 3
    scenario: int = 96
    title: int = 24
    suggestion: int = 80
    replacement: int = 64


def field(number: int, name: str) -> str:
    """How the answer calls a part of its `number`th finding."""
    return f"{number}.{name}"


def build(lines: Iterable[int], limits: Limits) -> Program:
    """The answer about a unit whose judged lines have these numbers, at least one."""
    numbers = list(dict.fromkeys(lines))  # hunks that overlap, which no git writes, name a line twice
    return _from(1, numbers, min(limits.findings, len(numbers)), limits)


def longest(limits: Limits) -> int:
    """Tokens that no answer within `limits` is longer than, whatever the unit."""
    return max_tokens(build(range(_LARGEST, _LARGEST + limits.findings), limits))


def _from(number: int, lines: Sequence[int], most: int, limits: Limits) -> Program:
    """The rest of the answer, from the question on whether there is a `number`th finding."""
    if number > most:
        return ()
    finding = (*_finding(number, lines, limits), *_from(number + 1, lines, most, limits))
    return (Pick(field(number, "finding"), (Option("none", NO), Option("- Line:", YES, finding))),)


def _finding(number: int, lines: Sequence[int], limits: Limits) -> Program:
    def write(name: str, tokens: int) -> Write:
        return Write(field(number, name), tokens, _LINE_END)

    def pick(name: str, words: Sequence[str], unlike: tuple[str, ...] = ()) -> Pick:
        return Pick(field(number, name), tuple(Option(f" {word}\n", word) for word in words), unlike)

    taken = tuple(field(before, "line") for before in range(1, number))
    replacement = (Option(f" {NONE}\n", NONE), Option("\n", GIVEN, (write("code", limits.replacement), Say("\n"))))
    return (
        pick("line", [str(line) for line in lines], taken),
        Say("Scenario:"),
        write("scenario", limits.scenario),
        Say("\nTitle:"),
        write("title", limits.title),
        Say("\nSeverity:"),
        pick("severity", SEVERITIES),
        Say("Category:"),
        pick("category", CATEGORIES),
        Say("Suggestion:"),
        write("suggestion", limits.suggestion),
        Say("\nReplacement:"),
        Pick(field(number, "replacement"), replacement),
    )
