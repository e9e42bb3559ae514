"""Fetch one file for the runner: the request is a line on stdin, what happens are lines on stdout, all JSON.

It ends when its stdin does, so it never outlives its runner; ending it at any moment is safe.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from maw.errors import FatalError
from maw_remote.engine.sources import Progress, StoreError
from maw_remote.fetch import address, hub
from maw_remote.fetch.download import Limits, Target, download, web_target

_TELL_EVERY = 0.1  # seconds


def main() -> int:
    request: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_with_runner, daemon=True).start()
    try:
        teller = _Teller()
        target = _target(request, teller)
        path, sha256 = download(target, Path(request["folder"]), _limits(request), teller)
    except StoreError as exc:
        _say({"failed": {"code": exc.code, "message": exc.message, "hint": exc.hint}})
    except FatalError as exc:
        _say({"failed": {"code": "bad_input", "message": exc.message, "hint": exc.hint}})
    except OSError as exc:
        code = "no_space" if exc.errno == errno.ENOSPC else "download"
        hint = "look at the disk of the node, then run the same command again"
        _say({"failed": {"code": code, "message": f"the file cannot be written: {exc.strerror or exc}", "hint": hint}})
    else:
        _say({"done": {"path": str(path), "sha256": sha256, "promised": target.sha256 is not None}})
    return 0


def _target(request: dict[str, Any], progress: Progress) -> Target:
    if request["scheme"] != "hf":
        return web_target(f"{request['scheme']}:{request['rest']}", request["size"], request["sha256"])
    wanted = address.hub_file(request["rest"])
    wanted = wanted._replace(file=wanted.file or request["file"])
    return hub.resolve(wanted, request["sha256"], _limits(request), progress)


def _limits(request: dict[str, Any]) -> Limits:
    return Limits(request["pause"], request["silence"])


class _Teller:
    """Progress, a line each tenth of a second at most, and each change of what is done."""

    def __init__(self) -> None:
        self._told = 0.0
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        if time.monotonic() - self._told >= _TELL_EVERY or done == total or phase != self._phase:
            self._told, self._phase = time.monotonic(), phase
            _say({"progress": [phase, done, total]})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _leave_with_runner() -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock would be held while the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
