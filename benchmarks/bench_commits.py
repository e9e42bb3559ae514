"""What all of maw's hooks add to commits: beside plain git, and beside pre-commit with one hook that does nothing.

The runner is real, its reviews take no time (benchmarks/program.py), and each measured change is known.
"""

from __future__ import annotations

import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.rows import Row
from tests.fixtures.runner import RunnerProcess

RUNS = 15
KNOWN_BUDGET = 300.0  # ms on top of plain git
PICKS, REBASES = 50, 5
PICK_BUDGET = 10.0  # ms a commit, on top of a rebase without hooks
BIN = Path(sys.executable).parent
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
NO_OP = (
    "repos: [{repo: local, hooks: [{id: nothing, name: nothing, language: system, entry: 'true', always_run: true}]}]\n"
)


def run() -> list[Row]:
    Path(os.environ["MAW_CONFIG"]).write_text('node = "local"\n')
    runner = RunnerProcess("benchmarks.program").start()
    try:
        ours, theirs = _repository("ours"), _repository("theirs")
        _started(ours, BIN / "maw", "hooks", "install")
        (theirs / ".pre-commit-config.yaml").write_text(NO_OP)
        _git(theirs, "add", ".pre-commit-config.yaml")
        _git(theirs, *NO_HOOKS, "commit", "-q", "-m", "pre-commit")
        _started(theirs, BIN / "pre-commit", "install")
        return [*_commits(ours, theirs), *_rebases(ours)]
    finally:
        _started(ours, sys.executable, "-c", "from maw.attendant import client; client.ask({'v': 1, 'op': 'stop'})")
        runner.stop()


def _commits(ours: Path, theirs: Path) -> list[Row]:
    """In turns, so that what else the machine does meets all alike."""
    times: dict[str, list[float]] = {"plain": [], "maw": [], "pre-commit": []}
    for repo in (ours, theirs):
        (repo / "a.py").write_text("def mean(items):\n    return sum(items) / len(items)\n")
        _git(repo, "add", "a.py")
        _commit(repo)  # reviewed, and known from here on
    for _ in range(RUNS):
        times["plain"].append(_commit(ours, *NO_HOOKS))
        times["maw"].append(_commit(ours))
        times["pre-commit"].append(_commit(theirs))
    plain, maw, other = (statistics.median(found) for found in times.values())
    added, others = maw - plain, other - plain
    return [
        Row("plain git commit, median", plain, "", "ms", None),
        Row("all hooks on top of it, the change is known, median", added, f"≤ {KNOWN_BUDGET:.0f}", "ms",
            added <= KNOWN_BUDGET),
        Row("pre-commit with one local hook that does nothing, on top of it", others, "", "ms", None),
        Row("maw's hooks to pre-commit's", added / others, "< 1", "", added < others),
    ]  # fmt: skip


def _rebases(repo: Path) -> list[Row]:
    """A branch of commits, rebased again and again: without hooks, with ones that only leave, with maw's."""
    _git(repo, *NO_HOOKS, "commit", "-q", "--allow-empty", "-m", "side")
    _git(repo, "branch", "side")
    _git(repo, "switch", "-q", "-c", "picks", "HEAD~1")
    for number in range(PICKS):
        (repo / f"f{number}.py").write_text(f"f = {number}\n")
        _git(repo, "add", "-A")
        _git(repo, *NO_HOOKS, "commit", "-q", "-m", f"pick {number}")
    bare = _with_hooks_that_only_leave(repo)
    ways: dict[str, tuple[str, ...]] = {"none": NO_HOOKS, "leave": ("-c", f"core.hooksPath={bare}"), "maw": ()}
    found = [{name: _rebased(repo, *options) for name, options in ways.items()} for _ in range(REBASES)]
    wall, cpu = ({name: min(times[name][which] for times in found) / PICKS for name in ways} for which in (0, 1))
    added = wall["maw"] - wall["none"]
    return [
        Row(f"rebase of {PICKS} commits without hooks, a commit, best of {REBASES}", wall["none"], "", "ms", None),
        Row("hooks that only exit, on top of it", wall["leave"] - wall["none"], "", "ms", None),
        Row("maw's hooks, on top of it", added, f"≤ {PICK_BUDGET:.0f}", "ms", added <= PICK_BUDGET),
        Row("maw's hooks, on top of it, CPU", cpu["maw"] - cpu["none"], "", "ms", None),
    ]


def _with_hooks_that_only_leave(repo: Path) -> Path:
    """As many hooks as maw's: what git itself takes to start them."""
    folder = repo.parent / "leave"
    folder.mkdir()
    for hook in (repo / ".git/hooks").iterdir():
        if not hook.name.endswith(".sample"):
            (folder / hook.name).write_text("#!/bin/sh\nexit 0\n")
            (folder / hook.name).chmod(0o755)
    return folder


def _rebased(repo: Path, *options: str) -> tuple[float, float]:
    """Milliseconds that it takes, and those of CPU."""
    _git(repo, "switch", "-q", "-C", "work", "picks")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _git(repo, *options, "rebase", "-q", "side")
    taken, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken * 1000, cpu * 1000


def _commit(repo: Path, *options: str) -> float:
    """Milliseconds that a commit takes; it is taken back."""
    began = time.perf_counter()
    _git(repo, *options, "commit", "-q", "-m", "change")
    taken = time.perf_counter() - began
    _git(repo, "reset", "-q", "--soft", "HEAD~1")
    return taken * 1000


def _repository(name: str) -> Path:
    repo = Path(os.environ["HOME"]) / name
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    _git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    return repo


def _started(repo: Path, *command: str | Path) -> None:
    subprocess.run(command, cwd=repo, check=True, stdout=subprocess.DEVNULL)


def _git(repo: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=repo, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"git {shlex.join(arguments)}: {done.stderr}")
