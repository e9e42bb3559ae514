"""Speak to a running link from outside: is there one, stop it, make it try again. Standard library only."""

from __future__ import annotations

import os
import signal
import time

from maw import files, paths


def lock_file(node: str) -> str:
    """Held by the node's link while it runs; it contains its process id."""
    return os.path.join(paths.link_dir(node), "link.lock")


def running(node: str) -> int | None:
    """The process id of the node's link, None when there is none."""
    return files.lock_holder(lock_file(node))


def stop(node: str, timeout: float = 5.0) -> None:
    """End the node's link, if one runs, and wait for it: whoever it serves is cut off."""
    if _signal(node, signal.SIGTERM):
        give_up = time.monotonic() + timeout
        while running(node) is not None and time.monotonic() < give_up:
            time.sleep(0.02)


def forget_failure(node: str) -> None:
    """Let the node's link try again at once, since a person has just reached the node."""
    _signal(node, signal.SIGHUP)


def _signal(node: str, number: signal.Signals) -> bool:
    pid = running(node)
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
