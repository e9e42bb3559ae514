"""How commands print: results to stdout, talk to stderr, JSON on one line, colour only for a person's terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from maw.review.terminal import is_terminal
from maw.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["console", "print_json", "print_row", "printable", "say", "under_way"]


def console(*, stderr: bool = False) -> Console:
    """A rich console that honours NO_COLOR and prints no markup from data unless asked to."""
    from rich.console import Console  # 24 ms that --json and --help do without

    # rich alone would keep bold and dim; NO_COLOR means plain text here.
    system: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(stderr=stderr, color_system=system, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_row(out: Console, row: Text) -> None:
    """A row of a list: a person's terminal gets one line, and what is read by another program is never cut."""
    out.print(row, soft_wrap=not out.is_terminal, no_wrap=True, overflow="ellipsis")


def say(text: str) -> None:
    """Talk to stderr, so that stdout holds results only. Lines after the first are indented: none looks like ours."""
    sys.stderr.write(printable(text).replace("\n", "\n     ") + "\n")
    sys.stderr.flush()


def under_way(what: str) -> None:
    """One line, where no progress line can be shown, so that work that takes its time is not taken for a hang."""
    if not is_terminal():
        say(f"maw: {what}")


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(value, separators=(",", ":"), sort_keys=False) + "\n")
    sys.stdout.flush()
