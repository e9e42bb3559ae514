"""`maw generate code`: write or change code."""

from __future__ import annotations

import click

from maw.cli.generate import working
from maw.cli.generate.options import CodeOptions, common
from maw.generate.request import CODE


@click.command()
@common
def code(*, options: CodeOptions) -> int:
    """Write or change code: the first word is the instruction, unless --instruction gives it.

    PATHS are the files and folders that may be changed; one that is not there may be made. Nothing else is touched.
    Without PATHS it is the files that --symbol or the instruction names.

    \b
    Examples:
      maw generate code "retry twice when the connection breaks" src/client.py
      maw generate code "a parser for durations such as 5m" src/durations.py tests/test_durations.py
      maw generate code --symbol Client.get --instruction "take a timeout" --verify "pytest -q" --apply
      maw generate code --from issue.txt src/ --interactive

    Exit codes: 0 done, 2 usage, 3 nothing came of it that can be taken, 4 node unreachable.
    """
    if not options.instruction and options.paths and not options.source:
        options = options._replace(instruction=options.paths[0], paths=options.paths[1:])
    return working.work(CODE, options)
