"""What is typed after `/`: the options of `maw history` as words, `severity:error author:anna since:7d some text`."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from maw.errors import FatalError
from maw.finding import SEVERITIES, VERDICTS
from maw.git.repo import Repo, commits_in
from maw.memory.dismissals import STATUSES
from maw.memory.query import Filters
from maw.record import KINDS
from maw.times import moment

CHOICES: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "verdict": VERDICTS,
    "kind": KINDS,
    "status": ("reviewed", "incomplete", "unreviewed"),
}
TEXTS = ("author", "path")
TIMES = ("since", "until")
RANGE = "range"
NAMES = (*TEXTS, *CHOICES, *TIMES, RANGE)
SAID = ("open", *STATUSES)  # of a finding, where those are listed


class Asked(NamedTuple):
    """`said`: what people said of the findings that are wanted; None: whatever."""

    filters: Filters
    said: str | None = None


def read(text: str, repo: Repo, *, of_findings: bool = False) -> Asked:
    """The filters that a text means. Raises FatalError for what means nothing (yet), and GitError.

    The start of a choice is enough, so that `severity:e` does what it will do in the end. With `of_findings`, `status`
    is about findings: `open`, or what was said of them.
    """
    found: dict[str, object] = {}
    plain, said = [], None
    for word in _split(text):
        name, colon, value = word.partition(":")
        if not colon or name not in NAMES:
            plain.append(word)
        elif not value:
            continue
        elif name == "status" and of_findings:
            said = _choice(name, value, SAID)
        elif name == RANGE:
            found["commits"] = commits_in(repo, value)
        else:
            found[name] = _value(name, value)
    wanted = " ".join(plain)
    kind = found.get("kind")
    filters = Filters(**found, text=wanted or None, feedback=kind == "feedback", leading=not of_findings)  # type: ignore[arg-type]
    return Asked(filters, said)


def _split(text: str) -> list[str]:
    """Words, of which quotes make one; a quote that is still open is a quote that is being typed."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        return text.replace('"', " ").replace("'", " ").split()


def _value(name: str, value: str) -> object:
    if name in CHOICES:
        return _choice(name, value, CHOICES[name])
    return moment(value) if name in TIMES else value


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    fitting = [choice for choice in choices if choice.startswith(value.lower())]
    if not fitting:
        raise FatalError(f"{name}: is one of {', '.join(choices)}")
    return fitting[0]
