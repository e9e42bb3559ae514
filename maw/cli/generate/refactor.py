"""`maw generate refactor`: simpler code that does the same."""

from __future__ import annotations

import click

from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common
from maw.generate.request import REFACTOR


@click.command()
@common
def refactor(*, options: CodeOptions) -> int:
    """Make code simpler and clearer while it does the same: --verify must pass before and afterwards.

    PATHS are the files and folders that may be changed; --symbol names one definition in them.

    \b
    Examples:
      maw generate refactor --symbol Client.get src/client.py --verify "pytest -q"
      maw generate refactor src/ --instruction "use pathlib" --verify "pytest -q" --tries 5 --interactive

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    return working.work(REFACTOR, options)
