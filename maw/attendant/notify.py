"""A desktop notification, where the desktop has a program for it."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys

from maw.text import one_line

TEXT_MAX = 200  # characters
TIMEOUT = 5.0  # seconds

log = logging.getLogger(__name__)


def show(title: str, text: str) -> None:
    """Show it, or do nothing where that cannot be done: nothing depends on it."""
    command = command_for(sys.platform, title, text)
    if shutil.which(command[0]) is None:
        return
    try:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as exc:
        log.info("no notification: %s", exc)


def command_for(platform: str, title: str, text: str) -> list[str]:
    """The program and its arguments. What comes from a model or a repository is an argument, never a program's text."""
    title, text = (one_line(part)[:TEXT_MAX] for part in (title, text))
    if platform == "darwin":
        program = ("on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run")
        return ["osascript", *(word for line in program for word in ("-e", line)), title, text]
    for mark, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # a body may have markup
        text = text.replace(mark, escaped)
    return ["notify-send", "--app-name=maw", "--", title, text]
