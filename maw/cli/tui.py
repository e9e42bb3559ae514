"""`maw tui`: the terminal UI."""

from __future__ import annotations

import importlib.util
import os
import sys

import click

from maw.cli.place import repository
from maw.errors import FatalError
from maw.extras import how_to_add
from maw.git.repo import Repo, discover

SCREENS = ("history", "findings", "queue", "nodes", "stats", "generate")  # a test holds it to the UI's own list


@click.command(
    epilog="""\b
Examples:
  maw tui                       where it was left, at first the history
  maw tui --screen queue        what the nodes do right now
  maw tui --repo ~/src/project
"""
)
@click.option(
    "--repo", "path", type=click.Path(exists=True, file_okay=False), metavar="PATH", help="The repository to look at."
)
@click.option("--screen", type=click.Choice(SCREENS), help="The screen to begin with.")
def tui(path: str | None, screen: str | None) -> int:
    """Watch the queue, walk the history and settle findings. In a terminal, by keys and mouse.

    `?` shows the keys, `q` leaves. `maw docs tui` tells of each screen.
    """
    if importlib.util.find_spec("textual") is None:
        raise FatalError("the terminal UI needs Textual, which is not installed", hint=how_to_add("tui"))
    # All three: Textual reads stdin and draws on stderr, and whoever redirects stdout wants no picture.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()) or os.environ.get("TERM") == "dumb":
        raise FatalError(
            "the terminal UI needs a terminal", hint="`maw history` and `maw queue` print what it would show"
        )
    from maw_tui.main import run  # with Textual: half a second

    return run(_place(path), screen=screen)


def _place(path: str | None) -> Repo | None:
    """The repository to look at; None outside of one, where queue and nodes can still be seen. Raises GitError."""
    return repository() if path is None else discover(path)
