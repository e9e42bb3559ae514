"""What the hooks add to a commit: CPU with nothing to do, and wall time where the verdict is known already.

The runner and its model are real; the model reviews once, and every measured commit gets that answer again.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.rows import Row

RUNS = 20
NOTHING_BUDGET = 80.0  # ms of CPU
KNOWN_BUDGET = 200.0  # ms of wall time on top of plain git commit
NOTE_BUDGET = 2.0  # s
REFUSED_BUDGET = 500.0  # ms
HOLE_BUDGET = 2000.0  # ms: connect_timeout
NEXT_BUDGET = 200.0  # ms
MODEL = "smollm2-135m-instruct"
BIN = Path(sys.executable).parent


def run() -> list[Row]:
    repo = _repository()
    _git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    subprocess.run([BIN / "maw", "hooks", "install"], cwd=repo, check=True, stdout=subprocess.DEVNULL)
    rows = [
        _cpu_row("an interpreter that does nothing (python -I -S)", [sys.executable, "-I", "-S", "-c", ""], repo, None),
        _cpu_row(
            "maw-hook pre-commit, nothing to do, by git's stub", [repo / ".git/hooks/pre-commit"], repo, NOTHING_BUDGET
        ),
        _cpu_row(
            "maw-hook pre-commit, nothing to do, console script", [BIN / "maw-hook", "pre-commit"], repo, NOTHING_BUDGET
        ),
    ]
    rows += _nothing_to_do(repo)
    rows += _away(repo)
    _set_up_model()
    try:
        return rows + _known(repo)
    finally:
        for command in (["maw-runner", "stop"], [sys.executable, "-c", _STOP_ATTENDANT]):
            subprocess.run([BIN / command[0], *command[1:]], check=False, stdout=subprocess.DEVNULL)


_STOP_ATTENDANT = "from maw.attendant import client; client.ask({'v': 1, 'op': 'stop'})"


def _repository() -> Path:
    repo = Path(os.environ["HOME"]) / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    return repo


def _nothing_to_do(repo: Path) -> list[Row]:
    """The other hooks, as git's stubs start them: the last commit has its record, and no push is looked at."""
    Path(os.environ["MAW_CONFIG"]).write_text('node = "local"\n')
    head = _git(repo, "rev-parse", "HEAD").strip()
    line = f"refs/heads/main {head} refs/heads/main {'0' * len(head)}\n".encode()
    push = [repo / ".git/hooks/pre-push", "origin", "/nowhere"]
    empty, message = (repo / ".git" / name for name in ("EMPTY", "MESSAGE"))
    empty.write_text("\n# a comment\n")
    message.write_text("Explain what a benchmark is for\n")
    return [
        _cpu_row(
            "maw-hook prepare-commit-msg, nothing to do, by git's stub",
            [repo / ".git/hooks/prepare-commit-msg", empty],
            repo,
            NOTHING_BUDGET,
        ),
        _cpu_row(
            "maw-hook commit-msg, nothing to say, by git's stub",
            [repo / ".git/hooks/commit-msg", message],
            repo,
            NOTHING_BUDGET,
        ),
        _cpu_row(
            "maw-hook post-commit, nothing to do, by git's stub",
            [repo / ".git/hooks/post-commit"],
            repo,
            NOTHING_BUDGET,
        ),
        _cpu_row("maw-hook pre-push, push.require off, by git's stub", push, repo, NOTHING_BUDGET, line),
    ]


def _away(repo: Path) -> list[Row]:
    """How late a commit is when its node is away: at a port that refuses, and at one that swallows everything."""
    with socket.socket() as closed, socket.socket() as hole:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        fillers = _filled(hole)
        try:
            cold, *refused = _late(repo, closed.getsockname()[1])
            first, *next_ones = _late(repo, hole.getsockname()[1])
        finally:
            for filler in fillers:
                filler.close()
    rest = statistics.median(next_ones)
    again = statistics.median(refused)
    return [
        Row("refused connection: the first commit, which starts attendant and link, is late by", cold, "", "ms", None),
        Row(
            "refused connection: a commit is late by, median of 4",
            again,
            f"≤ {REFUSED_BUDGET:.0f}",
            "ms",
            again <= REFUSED_BUDGET,
        ),
        Row("black hole: the first commit is late by", first, f"≤ {HOLE_BUDGET:.0f}", "ms", first <= HOLE_BUDGET),
        Row(
            "black hole: those of the next minute, median of 4", rest, f"≤ {NEXT_BUDGET:.0f}", "ms", rest <= NEXT_BUDGET
        ),
    ]


def _filled(hole: socket.socket) -> list[socket.socket]:
    """Connections that fill the backlog: the kernel then answers nobody else."""
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(hole.getsockname())
        fillers.append(filler)
    return fillers


def _late(repo: Path, port: int) -> list[float]:
    """By how many ms each of five commits is later than the median of five without hooks. The attendant is there; the
    link is not, at first."""
    name = f"away{port}"
    Path(os.environ["MAW_CONFIG"]).write_text(
        f'node = "{name}"\n[nodes.{name}]\nhost = "127.0.0.1"\nport = {port}\ncommand = "/x/maw-runner connect"\n'
        'transport = "paramiko"\n'
    )
    times: dict[bool, list[float]] = {True: [], False: []}
    for plain in (True, False):
        for number in range(5):
            (repo / "late.py").write_text(f"x = {port + number}{int(plain)}\n")
            _git(repo, "add", "late.py")
            began = time.perf_counter()
            _git(repo, *(["-c", "core.hooksPath=/dev/null"] if plain else []), "commit", "-q", "-m", "late")
            times[plain].append((time.perf_counter() - began) * 1000)
    return [measured - statistics.median(times[True]) for measured in times[False]]


def _set_up_model() -> None:
    """The embedded model plays the manager; its file comes from the tests' cache where there is one."""
    Path(os.environ["MAW_CONFIG"]).write_text(
        f'node = "local"\nreview.block_at = "critical"\nroles.manager = "{MODEL}"\nroles.generator = "{MODEL}"\n'
        'review.deadline = "120s"\n'
    )
    cached = Path(os.environ["REAL_HOME"]) / ".cache/maw-tests/models" / f"{MODEL}.gguf"
    source = ["--from", f"path:{cached}"] if cached.exists() else []
    subprocess.run([BIN / "maw", "model", "pull", MODEL, *source], check=True, stdout=subprocess.DEVNULL)


def _known(repo: Path) -> list[Row]:
    (repo / "a.py").write_text("def mean(items):\n    return sum(items) / len(items)\n")
    _git(repo, "add", "a.py")
    base = _git(repo, "rev-parse", "HEAD").strip()
    _git(repo, "commit", "-q", "-m", "reviewed by the model", check=False)  # blocked or not: now it is known
    plain, hooked, notes, away = [], [], [], []
    for number in range(RUNS):
        plain.append(_commit(repo, base, number, "-c", "core.hooksPath=/dev/null"))
        hooked.append(_commit(repo, base, number))
        notes.append(_until_noted(repo))
    subprocess.run([BIN / "maw-runner", "stop"], check=False, stdout=subprocess.DEVNULL)
    for number in range(RUNS):
        away.append(_commit(repo, base, number))
        _until_noted(repo)
    added = (statistics.median(hooked) - statistics.median(plain)) * 1000
    without = (statistics.median(away) - statistics.median(plain)) * 1000
    slowest = max(notes)
    return [
        Row("plain git commit, median", statistics.median(plain) * 1000, "", "ms", None),
        Row("hooks on top of it, verdict known, median", added, f"≤ {KNOWN_BUDGET:.0f}", "ms", added <= KNOWN_BUDGET),
        Row(
            "hooks on top of it, verdict known, no node there, median",
            without,
            f"≤ {KNOWN_BUDGET:.0f}",
            "ms",
            without <= KNOWN_BUDGET,
        ),
        Row("its note is there, slowest of 20", slowest, f"≤ {NOTE_BUDGET:g}", "s", slowest <= NOTE_BUDGET),
    ]


def _commit(repo: Path, base: str, number: int, *options: str) -> float:
    """Seconds that it takes to commit what is staged on top of `base`, where the commit before goes."""
    _git(repo, "reset", "-q", "--soft", base)
    began = time.perf_counter()
    _git(repo, *options, "commit", "-q", "-m", f"commit {number} {'plain' if options else 'hooked'}")
    return time.perf_counter() - began


def _until_noted(repo: Path) -> float:
    began = time.perf_counter()
    while not _git(repo, "notes", "--ref=maw/review", "list", "HEAD", check=False):
        if time.perf_counter() - began > 10:
            break
        time.sleep(0.01)
    return time.perf_counter() - began


def _cpu_row(name: str, command: list[object], repo: Path, budget: float | None, stdin: bytes = b"") -> Row:
    words = [str(word) for word in command]
    measured = _cpu(lambda: subprocess.run(words, cwd=repo, check=True, input=stdin))
    text = "" if budget is None else f"≤ {budget:.0f}"
    return Row(f"{name}, CPU, median", measured, text, "ms", None if budget is None else measured <= budget)


def _cpu(work: Callable[[], object]) -> float:
    """Median CPU time in ms, children and their children included."""
    times = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append((after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime))
    return statistics.median(times) * 1000


def _git(repo: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=repo, check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"git {arguments}: {done.stderr}")
    return done.stdout
