"""Which hunks of a diff are wanted: asked one by one, as `git add -p` does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from maw.cli.generate.diffs import shown
from maw.edits.hunks import Choice
from maw.errors import INTERRUPTED, FatalError
from maw.text import one_line

_KEYS = "y,n,a,d,q,?"
_HELP = """y - take this hunk
n - leave it
a - take it and the rest of its file
d - leave it and the rest of its file
q - leave it and all that follow"""


class NoChoice(FatalError):
    """The answers ended before the questions: nothing is applied."""

    exit_code = INTERRUPTED


def chosen(choices: Sequence[Choice], answer: Callable[[str], str] | None = None) -> list[str]:
    """The ids of the hunks that were taken. `answer` gives the answer to a question. Raises NoChoice."""
    answer = answer or _typed
    taken: list[str] = []
    files: dict[str, bool] = {}  # those whose other hunks are decided
    for number, choice in enumerate(choices, 1):
        if choice.path in files:
            taken += [choice.id] if files[choice.path] else []
            continue
        key = _asked(choice, f"({number}/{len(choices)}) Take this hunk of {one_line(choice.path)}? [{_KEYS}] ", answer)
        if key == "q":
            break
        if key in "ad":
            files[choice.path] = key == "a"
        taken += [choice.id] if key in "ya" else []
    return taken


def _asked(choice: Choice, question: str, answer: Callable[[str], str]) -> str:
    click.echo(shown(choice.text, sys.stderr), err=True, nl=False)
    while True:
        key = answer(question).strip().lower()[:1]
        if key in ("y", "n", "a", "d", "q"):
            return key
        click.echo(_HELP, err=True)


def _typed(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise NoChoice("the answers ended before the hunks: nothing was applied")
    return line
