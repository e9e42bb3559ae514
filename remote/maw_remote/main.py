"""The entry point of `maw-runner`.

`connect`, the forced command of every SSH key, is dispatched before anything else is imported: each channel runs it.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `maw-runner` and exit with its code."""
    arguments = _take_state_dir(sys.argv[1:])
    if arguments[:1] == ["connect"] and not {"-h", "--help"} & set(arguments):
        from maw_remote import gate

        sys.exit(gate.main())
    from maw.cli.failure import run
    from maw_remote.commands import runner

    sys.exit(run(runner, arguments, name="maw-runner"))


def _take_state_dir(arguments: list[str]) -> list[str]:
    """The arguments without a leading --state-dir, which becomes MAW_STATE_DIR: a forced command has no environment."""
    if arguments[:1] == ["--state-dir"] and len(arguments) > 1:
        directory, rest = arguments[1], arguments[2:]
    elif arguments and arguments[0].startswith("--state-dir="):
        directory, rest = arguments[0].partition("=")[2], arguments[1:]
    else:
        return arguments
    os.environ["MAW_STATE_DIR"] = os.path.abspath(directory)
    return rest
