"""Sources on the web (`hf:`, `https:`), seen from the runner: a process fetches, this watches it and can end it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, NamedTuple

from maw_remote.engine.catalogue import Entry
from maw_remote.engine.sources import CONNECTING, Progress, StoreError

PAUSE = 0.5  # seconds before a second try
SILENCE = 30.0  # seconds a server may be silent
_POLL = 0.1


class Fetched(NamedTuple):
    path: Path
    sha256: str
    checked: str  # what the checksum was compared with: 'catalogue', 'hub', or '' for nothing


def fetch(entry: Entry, folder: Path, progress: Progress, lock: int) -> Fetched:
    """Bring the file into `folder`. Raises StoreError; and what `progress` raises, once the process has ended.

    The process holds `lock` too, so that nobody writes beside it when this one is killed."""
    request = {
        "scheme": entry.scheme, "rest": entry.rest, "file": entry.file, "size": entry.size, "sha256": entry.sha256,
        "folder": str(folder), "pause": PAUSE, "silence": SILENCE,
    }  # fmt: skip
    with open(folder / "fetch.log", "wb") as log, _start(log, lock) as process:
        try:
            done = _watch(process, request, progress)
        finally:
            process.kill()
    if done is None:
        raise _died(folder)
    checked = "catalogue" if entry.sha256 else "hub" if done["promised"] else ""
    return Fetched(Path(done["path"]), str(done["sha256"]), checked)


def _start(log: IO[bytes], lock: int) -> subprocess.Popen[bytes]:
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "maw_remote.fetch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **quiet}, pass_fds=(lock,),
        start_new_session=True,
    )  # fmt: skip


def _watch(process: subprocess.Popen[bytes], request: dict[str, Any], progress: Progress) -> dict[str, Any] | None:
    """What the process says at its end, None when it died. Raises StoreError when that is a failure."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
    process.stdin.flush()  # it stays open: when it closes, the process leaves
    now: tuple[str, int, int | None] = (CONNECTING, 0, None)
    pending = b""
    while True:
        progress(*now)
        if not select.select([process.stdout], [], [], _POLL)[0]:
            continue
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            return None
        *lines, pending = (pending + data).split(b"\n")
        for message in map(json.loads, lines):
            if "progress" in message:
                phase, done, total = message["progress"]
                now = (phase, done, total)
            elif "failed" in message:
                raise StoreError(**message["failed"])
            else:
                progress(*now)
                return dict(message["done"])


def _died(folder: Path) -> StoreError:
    said = (folder / "fetch.log").read_text("utf-8", "replace").strip().splitlines()
    return StoreError(
        "download", f"the process that fetches ended: {said[-1] if said else 'it was killed'}",
        hint="run the same command again: it goes on from where it stopped",
    )  # fmt: skip
