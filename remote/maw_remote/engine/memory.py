"""How much memory this machine has for models, and how we know. In bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

SHARE = 0.95  # of what Metal or the GPU grants: the rest of the system draws on the screen too
LINUX_SHARE = 0.90  # of what is available: there is no limit that keeps us from the rest
_GIB = 1 << 30
_NO_GPU = "no GPU was found: what the processor can answer while a commit waits counts, and not memory alone"


class Memory(NamedTuple):
    budget: int  # for models, all together
    total: int  # of the machine, or of its GPUs
    how: str  # a phrase for the user
    warning: str = ""
    gpu: bool = True  # whether models compute on one, and not on the processor


def memory() -> Memory:
    """What this machine has."""
    if sys.platform == "darwin":
        return metal(psutil.virtual_memory().total, _number(_said("sysctl", "-n", "iogpu.wired_limit_mb")))
    gpus = nvidia(_said("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"))
    if gpus is not None:
        return gpus
    state = psutil.virtual_memory()
    limit = _cgroup()
    return plain(state.total, state.available) if limit is None else contained(limit, state.available)


def metal(total: int, wired_limit_mb: int) -> Memory:
    """What Metal grants: the limit that was set (MiB, 0: none), or Apple's own. A 32 GiB machine tells 21.3 GiB, two
    thirds of it; those above 36 GiB tell three quarters."""
    if wired_limit_mb > 0:
        granted, why = wired_limit_mb << 20, "set with iogpu.wired_limit_mb"
    else:
        granted = total * 2 // 3 if total <= 36 * _GIB else total * 3 // 4
        why = "macOS's own limit; `sudo sysctl iogpu.wired_limit_mb=…` raises it"
    return Memory(int(granted * SHARE), total, f"{SHARE:.0%} of the {_gb(granted)} that Metal grants ({why})")


def nvidia(said: str) -> Memory | None:
    """The memory of all NVIDIA GPUs, a line of MiB each; None where there are none."""
    sizes = [_number(line) << 20 for line in said.splitlines()]
    total = sum(sizes)
    if not total:
        return None
    cards = "an NVIDIA GPU" if len(sizes) == 1 else f"{len(sizes)} NVIDIA GPUs"
    return Memory(int(total * SHARE), total, f"{SHARE:.0%} of the {_gb(total)} of {cards}")


def plain(total: int, available: int) -> Memory:
    return Memory(
        int(available * LINUX_SHARE), total, f"{LINUX_SHARE:.0%} of the {_gb(available)} available now", _NO_GPU,
        gpu=False,
    )  # fmt: skip


def contained(limit: int, available: int) -> Memory:
    """Inside a container that may have `limit` bytes."""
    if available <= limit:
        return plain(limit, available)
    return Memory(
        int(limit * LINUX_SHARE), limit, f"{LINUX_SHARE:.0%} of the {_gb(limit)} this container may have", _NO_GPU,
        gpu=False,
    )  # fmt: skip


def _cgroup() -> int | None:
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
    except (OSError, ValueError):
        return None  # no limit ("max"), or another system


def _said(*command: str) -> str:
    """What a program prints; nothing where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace")


def _number(text: str) -> int:
    return int(text) if text.strip().isdigit() else 0


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
