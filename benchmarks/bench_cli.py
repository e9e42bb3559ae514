"""How long a person waits for `maw` to say anything: CPU time of whole processes."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

from benchmarks.rows import Row

RUNS = 15
HELP_BUDGET = 150.0


def run() -> list[Row]:
    maw = [sys.executable, "-c", "from maw.cli.main import main; main()"]
    bare = _cpu([sys.executable, "-c", "pass"])
    shown = _cpu([*maw, "--help"])
    version = _cpu([*maw, "--version"])
    completion = _cpu(maw, {"_MAW_COMPLETE": "bash_complete", "COMP_WORDS": "maw his", "COMP_CWORD": "1"})
    return [
        Row("Python itself, doing nothing, CPU", bare, "", "ms", None),
        Row("maw --help, CPU, median", shown, f"≤ {HELP_BUDGET:.0f}", "ms", shown <= HELP_BUDGET),
        Row("maw --version, CPU, median", version, "", "ms", None),
        Row("completing a command's name, CPU, median", completion, "", "ms", None),
    ]


def _cpu(command: list[str], extra: dict[str, str] | None = None) -> float:
    """Median CPU time in ms of one run of `command`."""
    environment = os.environ | (extra or {})
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append((after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime))
    return statistics.median(times) * 1000
