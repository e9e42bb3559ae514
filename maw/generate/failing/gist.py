"""What a failing command's output comes down to, within a bound: what a model is shown, and a person in one line. Pure.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from maw.text import one_line

_TELLS = re.compile(
    r"\s*(?:E  |>  |\^+\s*\Z|\+ |- |at |# |--- FAIL|FAIL|FAILED|ERROR|Caused by|Expected|Received|Traceback|panic|"
    r"left|right|note: |-->)|.*(?:\b[A-Z]\w*(?:Error|Exception|Warning)\b|\b(?:error|fatal|failed|failure|panicked|"
    r"assert\w*|expected|undefined|cannot|not found)\b)|.*[\w/]\.\w{1,5}[:(]\d+",
    re.IGNORECASE,
)
_HEADS = tuple(
    re.compile(rf"^{head}", re.MULTILINE)
    for head in (
        r"E   +(?P<said>\S.*)",
        r"panic: (?P<said>.*)",
        r".*\bpanicked at (?:(?P<said>'.*')|.*:\n(?P<below>.*))",
        r"[\s|]*(?:Exception in thread \"[^\"]*\" |Uncaught )?"
        r"(?!ImportError: Failed to import test module)"  # unittest's; the reason stands below
        r"(?P<said>[\w.]*(?:Error|Exception|Interrupt|Exit|Failure)\b(?: ?\[\w+\])?(?:: .*)?)$",
        r"(?:\S+ )?(?P<said>(?:fatal |internal )?error(?:\[?\w+\])?: [^|\s].*)",
        r"(?P<said>.*\bAssertion .* failed.*)",
        r"\s*(?P<said>Expected\b.*)",
        r"\s*(?P<said>(?:FAILED|FAIL|not ok|--- FAIL)\b.*)",
    )
)
_AROUND = 2  # lines before and after one that tells
_LINE_MAX = 300
GAP = "[…]"


def of(text: str, most: int) -> str:
    """At most `most` characters: the whole, or the lines that tell something and some around them, from both ends
    inwards; a mark stands for what is left out."""
    lines = [line.rstrip()[:_LINE_MAX] for line in text.strip("\n").split("\n")]
    if sum(len(line) + 1 for line in lines) <= most:
        return "\n".join(lines)
    telling = [at for at, line in enumerate(lines) if _TELLS.match(line)] or list(range(len(lines)))
    kept: set[int] = set()
    for at in _inwards(telling):
        around = set(range(max(0, at - _AROUND), min(len(lines), at + _AROUND + 1))) - kept
        cost = sum(len(lines[each]) + 1 for each in around) + 2 * (len(GAP) + 1)
        if cost > most:
            break
        most -= cost
        kept |= around
    return "\n".join(_with_gaps(lines, kept))


def headline(text: str) -> str:
    """What went wrong, in one line: the first that says it in a way we know, else the last that says anything."""
    lines = [line[:_LINE_MAX].rstrip() for line in text.split("\n")]
    whole = "\n".join(lines)
    for head in _HEADS:
        if match := head.search(whole):
            return one_line(next(filter(None, match.groups()), match[0]))
    return one_line(next((line for line in reversed(lines) if line.strip()), ""))


def _inwards(items: list[int]) -> Iterator[int]:
    """The first, the last, the second, the last but one …"""
    for at in range((len(items) + 1) // 2):
        yield items[at]
        if at != len(items) - 1 - at:
            yield items[-1 - at]


def _with_gaps(lines: list[str], kept: set[int]) -> Iterator[str]:
    before = -1
    for at in sorted(kept):
        if at != before + 1:
            yield GAP
        yield lines[at]
        before = at
    if before != len(lines) - 1:
        yield GAP
