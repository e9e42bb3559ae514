"""`maw generate` without its model, on a repository of 2,000 files with a warm map: what goes along, what is taken out
of it, and what becomes of an answer."""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import bench_map
from benchmarks.rows import Row
from maw.config.load import Config, load
from maw.edits import apply
from maw.edits.propose import Proposal
from maw.generate import context, generation
from maw.generate.ask import Answer
from maw.generate.context import Context, Wanted
from maw.git.repo import Repo, discover

RUNS = 7
FOCUS = bench_map.FOCUS


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-generate-") as folder:
        bench_map.make(Path(folder))
        repo, config = discover(folder), load(environ={})
        context.gather(repo, Wanted((FOCUS,)))
        time.sleep(2.1)  # so that no file counts as changed a moment ago
        found = context.gather(repo, Wanted((FOCUS,)))
        answer = _answer(Path(folder, FOCUS))
        gc.disable()  # as the command does
        gathering = _median(lambda: context.gather(repo, Wanted((FOCUS,))))
        gc.enable()
        leaving = _median(lambda: _leave(repo, config, found))
        proposing = _median(lambda: _propose(repo, config, found, answer))
        applying = statistics.median(_applied(repo, config, found, answer) for _ in range(RUNS))
        command = [sys.executable, "-m", "maw", "generate", "code", "more", FOCUS, "--dry-run"]
        whole = _median(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True))
    together = gathering + leaving + proposing
    return [
        Row("what goes along (map of 2,000 files, warm)", gathering, "", "ms", None),
        Row("examples looked for, secrets taken out, payload", leaving, "", "ms", None),
        Row("an answer to a proposal: matched, checked, diff proved", proposing, "", "ms", None),
        Row("these three: everything outside the model", together, "≤ 300", "ms", together <= 300),
        Row("applying it", applying, "", "ms", None),
        Row("maw generate code FILE --dry-run, whole command", whole, "", "ms", None),
    ]


def _leave(repo: Repo, config: Config, found: Context) -> None:
    asked = generation.with_examples(repo, generation.asked(config, "code", "more", found))
    generation.payload(repo, config, asked)


def _propose(repo: Repo, config: Config, found: Context, answer: Answer) -> Proposal:
    _, hidden = generation.without_secrets(config, generation.asked(config, "code", "more", found))
    return generation.proposed(repo, answer, found.allowed, hidden)


def _applied(repo: Repo, config: Config, found: Context, answer: Answer) -> float:
    proposal = _propose(repo, config, found, answer)
    milliseconds = bench_map.timed(lambda: apply.apply(repo, proposal))
    apply.undo(repo)
    return milliseconds


def _answer(path: Path) -> Answer:
    """An answer that changes the first and the last lines of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks = [
        f"FILE {FOCUS}\n<<<<<<< SEARCH\n{line}\n=======\n{line}  # changed\n>>>>>>> REPLACE\n"
        for line in (lines[0], next(line for line in reversed(lines) if lines.count(line) == 1))
    ]
    return Answer("".join(blocks) + "DONE\n", False, 7, "", "", "", {}, {})


def _median(call: Callable[[], object]) -> float:
    return statistics.median(bench_map.timed(call) for _ in range(RUNS))
