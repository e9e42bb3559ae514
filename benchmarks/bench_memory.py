"""Memory at 50,000 notes: one more note, and the first page of `maw history`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.many_notes import build, review
from benchmarks.rows import Row
from maw import record
from maw.attendant.writer import sync_to_disk
from maw.git.notes import Notes
from maw.git.repo import Repo, discover
from maw.memory.index import Index
from maw.memory.query import Filters

COUNT = 50_000
RUNS = 15
APPEND_BUDGET = 20.0
PAGE_BUDGET = 300.0


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-notes-") as folder:
        path = Path(folder) / "repo"
        build(path, COUNT)
        repo = discover(str(path))
        first = _timed(lambda: _refresh(repo))
        return [*_writing(repo), Row("first index of 50,000 notes", first / 1000, "", "s", None), *_asking(repo, path)]


def _writing(repo: Repo) -> list[Row]:
    notes = Notes(repo)
    commits = subprocess.run(
        ["git", "rev-list", f"--max-count={2 * RUNS}", "main"],
        cwd=repo.root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    median = statistics.median(_timed(lambda commit=commit: _append(notes, commit)) for commit in commits[:RUNS])  # type: ignore[misc]
    sync_to_disk()
    synced = statistics.median(_timed(lambda commit=commit: _append(notes, commit)) for commit in commits[RUNS:])  # type: ignore[misc]
    refreshed = _timed(lambda: _refresh(repo))
    budget = f"≤ {APPEND_BUDGET:.0f}"
    return [
        Row("one more note on a ref that holds 50,000, median", median, budget, "ms", median <= APPEND_BUDGET),
        Row("the same, waiting for the disk as the attendant does, median", synced, "", "ms", None),
        Row(f"index {2 * RUNS} changed notes of 50,000", refreshed, "", "ms", None),
    ]


def _asking(repo: Repo, path: Path) -> list[Row]:
    command = [sys.executable, "-c", "from maw.cli.main import main; main()", "history"]
    whole = _median(
        lambda: subprocess.run(command, cwd=path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    )
    rows = [Row("maw history, first page at 50,000 notes, whole command", whole, "≤ 300", "ms", whole <= PAGE_BUDGET)]
    questions = {
        "first page": Filters(),
        "by author and severity": Filters(author="author 3", severity="error"),
        "by folder": Filters(path="src/part7"),
        "by glob": Filters(path="src/*/file33?.py"),
        "by text that is nowhere": Filters(text="no such words"),
    }
    with Index(repo) as index:
        for name, filters in questions.items():
            took = _median(lambda filters=filters: index.history(filters))  # type: ignore[misc]
            rows.append(Row(f"the query alone: {name}", took, "≤ 300", "ms", took <= PAGE_BUDGET))
    size = os.path.getsize(os.path.join(repo.maw_dir, "index.db"))
    return [*rows, Row("size of the index", size / 1e6, "", "MB", None)]


def _append(notes: Notes, commit: str) -> None:
    data = review(1, commit, "0" * 40, "0" * 40, int(time.time())) | {"id": record.new_id()}
    assert notes.append("review", commit, [record.encode(data)])


def _refresh(repo: Repo) -> None:
    with Index(repo) as index:
        assert index.refresh()


def _median(call: Callable[[], object]) -> float:
    return statistics.median(_timed(call) for _ in range(RUNS))


def _timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000
