"""The runner's log: JSON Lines, rotated. It holds names, ids, sizes and times; never a diff, payload, prompt or answer.

So that content cannot slip in through an exception's message, a traceback is logged as its type and frames only.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from maw import logform
from maw.text import rfc3339

_SIZE = 5_000_000  # bytes of one file
_KEPT = 3
_POLL = 0.2  # seconds between looks at a followed log
_OWN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "ts": rfc3339(record.created), "level": record.levelname.lower(), "logger": record.name,
            "message": logform.plain(record),
        }  # fmt: skip
        entry |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        if record.exc_info and record.exc_info[0]:
            entry["error"] = record.exc_info[0].__name__
            entry["frames"] = frames(record.exc_info[2])
        return json.dumps(entry, default=str, separators=(",", ":"))


def frames(trace: TracebackType | None) -> list[str]:
    """`file:line function` of each frame, outermost first."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def set_up(path: str, *, to_stderr: bool) -> None:
    """Send all logging to `path` (mode 0600), and with `to_stderr` to the terminal too."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    handlers: list[logging.Handler] = [_Rotating(path, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8")]
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    logform.hook_up()
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


class _Rotating(logging.handlers.RotatingFileHandler):
    def _open(self) -> Any:
        stream = super()._open()
        os.fchmod(stream.fileno(), 0o600)
        return stream


def tail(path: str, lines: int) -> list[str]:
    """The last lines of the log; none when there is no log yet."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return []


def follow(path: str) -> Iterator[str]:
    """Lines as they are written from now on, across rotations; never ends by itself."""
    file = _open_at_end(path)
    while True:
        rotated = file is None or _rotated(path, file.fileno())
        # Looked at before reading: a file that was rotated away grows no more, so what is read now is its rest.
        for line in file or ():
            yield line.rstrip("\n")
        newer = _open_new(path) if rotated else None
        if newer is not None:
            file = newer
        else:
            time.sleep(_POLL)


def _open_at_end(path: str) -> Any:
    file = _open_new(path)
    if file:
        file.seek(0, os.SEEK_END)
    return file


def _open_new(path: str) -> Any:
    try:
        return open(path, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _rotated(path: str, fd: int) -> bool:
    try:
        return os.stat(path).st_ino != os.fstat(fd).st_ino
    except FileNotFoundError:
        return False
