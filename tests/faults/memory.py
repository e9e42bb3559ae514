"""How much memory processes took at most (VmHWM of proc(5), which only rises)."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

MB = 1 << 20


class Measured(NamedTuple):
    """`peak` is in bytes, of the largest process whose command line has the word that was looked for."""

    code: int
    out: str
    err: str
    peak: int


def high_water(pid: int) -> int:
    """Peak resident bytes of a process so far; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def run(command: Sequence[str], word: str, *, cwd: Path, stdin: Path | None = None) -> Measured:
    """Run a command; its output, and the peak of those of its processes that have `word` in their command line."""
    with open(stdin or "/dev/null", "rb") as source:
        process = subprocess.Popen(command, cwd=cwd, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            for pid in _named(process.pid, word):
                peak = max(peak, high_water(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, err = process.communicate(timeout=200)
    finally:
        done.set()
        watcher.join()
    return Measured(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), peak)


def _named(pid: int, word: str) -> list[int]:
    found = []
    try:
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            if word in " ".join(process.cmdline()):
                found.append(process.pid)
    except psutil.Error:
        pass
    return found
