"""End everything of maw's that runs for this user: attendant, links, runner."""

from __future__ import annotations

import os
import subprocess
import sys

from maw import paths
from maw.attendant import client
from maw.errors import FatalError
from maw.link import control


def stop_everything() -> list[str]:
    """End them, wait for each, and tell which ran. Raises FatalError when one does not end."""
    done = []
    if client.ask({"v": 1, "op": "stop"}, timeout=5.0) is not None:
        done.append("attendant stopped")
    for node in _linked_nodes():
        if control.running(node) is not None:
            control.stop(node)
            done.append(f"link to {node} stopped")
    return done + _stop_runner()


def _linked_nodes() -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(paths.state_dir(), "link")))
    except FileNotFoundError:
        return []


def _stop_runner() -> list[str]:
    if not os.path.isdir(paths.runner_dir()):
        return []
    # A process of its own: the kernel knows no side (pyproject.toml, import contracts).
    done = subprocess.run(
        [sys.executable, "-m", "maw_remote", "stop"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, cwd="/",
    )  # fmt: skip
    if done.returncode != 0:
        raise FatalError(f"the runner could not be stopped: {done.stderr.strip()}")
    return [done.stderr.strip()] if "no runner" not in done.stderr else []
