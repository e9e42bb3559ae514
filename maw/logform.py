"""The log of a process that nobody watches: lines to standard error, which is its file. Standard library only.

What goes wrong unexpectedly is told by type and place, as in maw/defect.py, whoever tells it: our own words, asyncio's
of a task that nobody waited for, or Python's last ones.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType

from maw import defect

Trace = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def start(form: str, *, utc: bool = False) -> None:
    """Log to standard error in this form (logging.Formatter's), uncaught exceptions too."""
    formatter = Places(form)
    if utc:
        formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    hook_up()


def hook_up() -> None:
    """Have Python tell what nobody caught by type and place only."""
    sys.excepthook = lambda _, error, __: _say(error)
    threading.excepthook = lambda found: _say(found.exc_value)


def _say(error: BaseException | None) -> None:
    if error is not None:
        sys.stderr.write(defect.story(error) + "\n")


def plain(record: logging.LogRecord) -> str:
    """A record's message. asyncio's own go on with the repr of a task, and so with its exception's message."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


class Places(logging.Formatter):
    """A formatter that leaves the messages of exceptions out."""

    def format(self, record: logging.LogRecord) -> str:
        told = logging.makeLogRecord(record.__dict__ | {"msg": plain(record), "args": None, "exc_text": None})
        return super().format(told)

    def formatException(self, ei: Trace) -> str:  # noqa: N802 - logging's name
        return defect.story(ei[1]) if ei[1] is not None else ""
