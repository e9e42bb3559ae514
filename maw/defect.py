"""The report of a defect: versions and traceback, made for pasting into an issue. Standard library only."""

from __future__ import annotations

import os
import sys
import traceback

from maw import __version__, paths


def report(command: list[str]) -> str:
    """The text, for the exception being handled."""
    versions = f"maw {__version__}, Python {sys.version.split()[0]} on {sys.platform}"
    return "\n".join([versions, f"command: {' '.join(command)}", "", traceback.format_exc()])


def write_report(command: list[str]) -> str:
    """Write the report for the exception being handled; the file's path. Raises OSError."""
    directory = paths.state_dir()
    paths.make_private_dir(directory)
    path = os.path.join(directory, "defect.log")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(report(command))
    return path
