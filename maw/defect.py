"""What is written down of a mistake of maw's own: types and places, never a message. Standard library only.

An exception's message quotes what was worked on: a line of a diff, a path, a token. Whoever runs the command sees it on
the terminal; logs and the report, which is made for pasting into an issue, have none.
"""

from __future__ import annotations

import os
import sys
import traceback

from maw import __version__, paths


def report(command: list[str]) -> str:
    """The text, for the exception being handled."""
    versions = f"maw {__version__}, Python {sys.version.split()[0]} on {sys.platform}"
    error = sys.exception()
    assert error is not None
    return "\n".join([versions, f"command: {' '.join(_words(command))}", "", story(error), ""])


def _words(command: list[str]) -> list[str]:
    """The command's name and those of its options: all others are the user's own."""
    return command[:1] + [word.partition("=")[0] if word.startswith("-") else "…" for word in command[1:]]


def story(error: BaseException) -> str:
    """The traceback of `error` and of what led to it, with the types of both and no messages."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = [story(before), "", "and then:"] if before is not None else []
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    return "\n".join([*parts, "Traceback (most recent call last):", *filter(None, [frames]), type(error).__qualname__])


def write_report(command: list[str]) -> str:
    """Write the report for the exception being handled; the file's path. Raises OSError."""
    directory = paths.state_dir()
    paths.make_private_dir(directory)
    path = os.path.join(directory, "defect.log")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(report(command))
    return path
