"""`maw generate optimize`: faster code that does the same."""

from __future__ import annotations

import click

from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common
from maw.generate.request import OPTIMIZE


@click.command()
@common
@click.option("--bench", default="", metavar="CMD", help="A shell command whose time must get shorter.")
def optimize(*, options: CodeOptions, bench: str) -> int:
    """Make code faster while it does the same: --verify must pass before and afterwards.

    With --bench a command is timed without and with the change, three times each in turns, and a change that does not
    make its best time shorter is not taken: the figures go back to the model, as what --verify says does.

    \b
    Examples:
      maw generate optimize --symbol parse src/parser.py --verify "pytest -q" --bench "python bench.py"
      maw generate optimize src/parser.py --bench "python bench.py" --tries 5

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    return working.work(OPTIMIZE, options, bench=bench)
