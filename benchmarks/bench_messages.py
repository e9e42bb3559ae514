"""Messages over 20,000 commits: the first index, one more commit, and the examples of a change."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.rows import Row
from maw.git.repo import Repo, discover
from maw.messages.index import MessageIndex

COUNT = 20_000
RUNS = 10
FIRST_BUDGET = 20.0  # seconds
NEXT_BUDGET = 50.0  # milliseconds


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-messages-") as folder:
        path = Path(folder)
        _git(path, "init", "-q", "-b", "main")
        subprocess.run(["git", "fast-import", "--quiet"], cwd=path, input=b"".join(_stream(COUNT)), check=True)
        _git(path, "reset", "-q", "--hard")
        repo = discover(str(path))
        first = _timed(lambda: _refresh(repo)) / 1000
        following = statistics.median([_one_more(path, repo, number) for number in range(RUNS)])
        asked = statistics.median([_timed(lambda: _similar(repo)) for _ in range(RUNS)])
        both = following + asked
        return [
            Row("first profile and index of 20,000 commits", first, "≤ 20", "s", first <= FIRST_BUDGET),
            Row("bring them up to one more commit, median", following, "", "ms", None),
            Row("examples for a change, median", asked, "", "ms", None),
            Row("both, a commit", both, "≤ 50", "ms", both <= NEXT_BUDGET),
        ]


def _stream(count: int) -> Iterator[bytes]:
    for number in range(1, count + 1):
        message = b"fix(part%d): handle case %d of readHttpLine" % (number % 20, number)
        text = b"".join(b"def read_line_%d_%d(value): return value\n" % (number, line) for line in range(10))
        yield b"commit refs/heads/main\nmark :%d\ncommitter A <a@x> %d +0000\n" % (number, 1_600_000_000 + number)
        yield b"data %d\n%s\n" % (len(message), message)
        yield b"M 100644 inline src/part%d/file%d.py\ndata %d\n%s\n" % (number % 20, number % 500, len(text), text)


def _one_more(path: Path, repo: Repo, number: int) -> float:
    (path / "src" / "part1" / "new.py").write_text(f"number = {number}\n")
    _git(path, "add", ".")
    _git(path, "-c", "user.name=A", "-c", "user.email=a@x", "commit", "-q", "-m", f"fix(part1): say {number}")
    return _timed(lambda: _refresh(repo))


def _refresh(repo: Repo) -> None:
    with MessageIndex(repo) as index:
        index.refresh()


def _similar(repo: Repo) -> None:
    with MessageIndex(repo) as index:
        assert index.similar(["src/part3/file3.py"], ["readHttpLine", "read_line_3_4", "value"], most=4)


def _timed(work: Callable[[], None]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _git(path: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=path, check=True, capture_output=True)
