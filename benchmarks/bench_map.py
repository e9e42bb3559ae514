"""`maw map` on a repository of 2,000 files: the first map, a warm one, and one after a file changed."""

from __future__ import annotations

import functools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.rows import Row
from maw.git.repo import Repo, discover
from maw.repomap import build, fit, graph
from maw.repomap.cache import Cache

FILES = 2000
CLASSES = 3  # a file, with so many methods each, of some lines
METHODS = 5
RUNS = 7
BUDGET = 4000
FOCUS = "package7/module107.py"


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-map-") as folder:
        make(Path(folder))
        repo = discover(folder)
        first = timed(lambda: _map(repo)) / 1000
        time.sleep(2.1)  # so that no file counts as changed a moment ago
        _map(repo)
        warm = statistics.median(timed(lambda: _map(repo)) for _ in range(RUNS))
        refreshed = statistics.median(_changed(repo, number) for number in range(RUNS))
        command = [sys.executable, "-m", "maw", "map", FOCUS]
        whole = statistics.median(
            timed(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True)) for _ in range(RUNS)
        )
        size = os.path.getsize(os.path.join(repo.maw_dir, "map.db"))
    return [
        Row(f"first map of {FILES:,} files", first, "≤ 10", "s", first <= 10),
        # The budget of 300 ms is that of a generation's own share, map and all: bench_generate.
        Row(f"a warm map of {FILES:,} files for one of them, 4,000 tokens", warm, "", "ms", None),
        Row("what one changed file adds to it, median", refreshed - warm, "≤ 100", "ms", refreshed - warm <= 100),
        Row("maw map FILE, warm, whole command", whole, "", "ms", None),
        Row("size of the cache", size / 1e6, "", "MB", None),
    ]


def _map(repo: Repo) -> str:
    with Cache(repo) as cache:
        snapshot = build.load(repo, cache)
        tags_of = functools.cache(functools.partial(build.tags_of, cache, snapshot))
        ranks = graph.rank(snapshot.files, [FOCUS])
        return fit.text(fit.choose(snapshot.files, ranks, [FOCUS], BUDGET, tags_of), tags_of)


def _changed(repo: Repo, number: int) -> float:
    """Milliseconds of a map after one file changed."""
    with open(os.path.join(repo.root, FOCUS), "a", encoding="utf-8") as file:
        file.write(f"\n\ndef added{number}():\n    return {number}\n")
    return timed(lambda: _map(repo))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def make(folder: Path) -> None:
    """A repository in which each file uses a dozen others."""
    dice = random.Random(6)
    for number in range(FILES):
        path = folder / f"package{number % 20}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_module(number, dice.sample(range(FILES), 12)), encoding="utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _module(number: int, others: list[int]) -> str:
    lines = [f"from package{other % 20}.module{other} import Class{other}_0, helper{other}" for other in others]
    lines += ["", "", f"def helper{number}(value: int, other: str = '') -> int:", "    return value + len(other)"]
    for index in range(CLASSES):
        lines += ["", "", f"class Class{number}_{index}(Class{others[index]}_0):"]
        for method in range(METHODS):
            other = others[(index + method) % len(others)]
            lines += [
                f"    def method{number}_{index}_{method}(self, argument: int) -> int:",
                f"        local = helper{other}(argument)",
                f"        other = Class{other}_0()",
                f"        if local > {method}:",
                f"            return other.method{other}_0_{method}(local)",
                "        return local",
                "",
            ]
    return "\n".join(lines) + "\n"
