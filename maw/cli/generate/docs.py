"""`maw generate docs`: docstrings and comments, in the project's style."""

from __future__ import annotations

import click

from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common
from maw.generate.request import DOCS


@click.command()
@common
def docs(*, options: CodeOptions) -> int:
    """Write docstrings and comments where they are missing, in the project's style; an answer that changes code is
    refused.

    PATHS are the files and folders; --symbol names one definition in them. --instruction says more.

    \b
    Examples:
      maw generate docs src/client.py
      maw generate docs --symbol Client.get src/client.py
      maw generate docs src/client.py --instruction "in the style of NumPy" --verify "ruff check" --apply

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    return working.work(DOCS, options)
