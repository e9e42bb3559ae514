"""Statistics of 100,000 reviewed commits: the counting, and the whole command."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.many_notes import build
from benchmarks.rows import Row
from maw.git.repo import discover
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.stats.gather import gather

COUNT = 100_000
RUNS = 5
BUDGET = 2000.0  # the issue names none; longer than this, people wonder


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-stats-") as folder:
        path = Path(folder) / "repo"
        build(path, COUNT)
        command = [sys.executable, "-c", "from maw.cli.main import main; main()", "stats", "--json"]
        with Index(discover(str(path))) as index:
            index.refresh()
            rows = [
                _row(f"counting {what} of {COUNT:,} reviews", lambda filters=filters: gather(index, filters))  # type: ignore[misc]
                for what, filters in (
                    ("all", Filters()),
                    ("one author", Filters(author="author 3")),
                    ("one folder", Filters(path="src/part7")),
                )
            ]
        whole = _row(
            "maw stats --json, the whole command",
            lambda: subprocess.run(command, cwd=path, check=True, stdout=subprocess.DEVNULL),
        )
        return [*rows, whole]


def _row(name: str, call: Callable[[], object]) -> Row:
    took = statistics.median(_timed(call) for _ in range(RUNS))
    return Row(name, took, f"≤ {BUDGET:.0f}", "ms", took <= BUDGET)


def _timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000
