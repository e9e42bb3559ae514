"""End everything of maw's that runs for this user: attendant, links, endpoint, runner, and its service.

Each holds a lock with its process id in it for as long as it lives, so "gone" is not what it said but what it let go.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from maw import files, paths
from maw.errors import FatalError
from maw.link import control

PATIENCE = 20.0  # seconds each may take; the attendant finishes what it has accepted


def stop_everything(patience: float = PATIENCE) -> list[str]:
    """End them, wait for each, and tell which ran. Raises FatalError when one does not end."""
    done = _stop("attendant", paths.attendant_lock(), patience)
    for node in _linked_nodes():
        done += _stop(f"link to {node}", control.lock_file(node), patience)
    done += _stop("endpoint", paths.endpoint_lock(), patience)
    return done + _runner("uninstall-service", "no service") + _runner("stop", "no runner")


def _stop(what: str, lock: str, patience: float) -> list[str]:
    """SIGTERM to whoever holds `lock`, until nobody does."""
    pid = files.lock_holder(lock)
    if pid is None:
        return []
    _signal(pid)
    give_up = time.monotonic() + patience
    while (holder := files.lock_holder(lock)) is not None:
        if time.monotonic() >= give_up:
            raise FatalError(f"the {what} (pid {holder}) does not end", hint=f"`kill -9 {holder}` loses nothing")
        if holder != pid:  # another one took its place meanwhile
            _signal(pid := holder)
        time.sleep(0.02)
    return [f"{what} stopped"]


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has just gone


def _linked_nodes() -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(paths.state_dir(), "link")))
    except FileNotFoundError:
        return []


def _runner(command: str, nothing: str) -> list[str]:
    """What `maw-runner COMMAND` did; nothing when it says so by these words, or where no runner ever ran."""
    if not os.path.isdir(paths.runner_dir()):
        return []
    # A process of its own: the kernel knows no side (pyproject.toml, import contracts).
    done = subprocess.run(
        [sys.executable, "-P", "-m", "maw_remote", command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, cwd="/",
    )  # fmt: skip
    if done.returncode != 0:
        raise FatalError(f"the runner could not be stopped: {done.stderr.strip()}")
    return [] if nothing in done.stderr else [done.stderr.strip()]
