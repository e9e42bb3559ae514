"""What redaction costs: a diff of 1 MB, redacted in this process, and asked of the attendant as a hook does."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.rows import Row
from maw.attendant import client
from maw.attendant.redact import redact as ask
from maw.secrets.redact import redact
from tests.secrets import corpus

SIZE = 1_000_000  # bytes
RUNS = 5
BUDGET = 500.0  # ms
SOURCES = Path(__file__).resolve().parent.parent


def run() -> list[Row]:
    code, generated = _code(), _generated()
    planted = b"".join(corpus.diff_of(one.path, one.lines) for _, one in corpus.planted(1))
    redact(planted)  # what is made once: the patterns
    rows = [
        _row("code", code),
        _row("code with 210 secrets", planted + code),
        _row("lock files and the like", generated),
    ]
    rows.append(_row("one line of 1 MB", corpus.diff_of("app.js", ["var a1=function(b){return b.c+'d'};" * 28_500])))
    rows += _counted()
    deadline = time.monotonic() + 60
    ask(b"x", (), os.environ["HOME"], deadline=deadline)  # starts the attendant
    try:
        measured = _median(lambda: ask(code, (), os.environ["HOME"], deadline=deadline))
    finally:
        client.ask({"v": 1, "op": "stop"})
    return [
        *rows,
        Row("a hook asks the attendant, 1 MB of code, median", measured, f"≤ {BUDGET:.0f}", "ms", measured <= BUDGET),
    ]


def _row(name: str, diff: bytes) -> Row:
    measured = _median(lambda: redact(diff))
    return Row(f"redact 1 MB: {name}, median", measured, f"≤ {BUDGET:.0f}", "ms", measured <= BUDGET)


def _counted() -> list[Row]:
    """Of the corpus: values that leave, and lines redacted where nothing is secret."""
    planted = [one for _, one in corpus.planted(2)]
    sent = redact(b"".join(corpus.diff_of(one.path, one.lines) for one in planted)).diff
    leaked = sum(any(value.encode() in sent for value in one.values) for one in planted)
    look_alikes = corpus.look_alikes(2)
    hidden = sum(redact(corpus.diff_of(path, [line])).hidden > 0 for path, line in look_alikes)
    return [
        Row(f"of {len(planted)} planted secrets leave", leaked, "0", "", leaked == 0),
        Row(f"of {len(look_alikes)} look-alikes are redacted", hidden, "≤ 10", "", hidden <= 10),
    ]


def _code() -> bytes:
    """maw's own sources as one change, until it is large enough."""
    parts: list[bytes] = []
    while sum(map(len, parts)) < SIZE:
        for path in sorted(SOURCES.glob("*/**/*.py")):
            if os.sep + "." not in str(path.relative_to(SOURCES)) and sum(map(len, parts)) < SIZE:
                name = str(path.relative_to(SOURCES))
                parts.append(corpus.diff_of(name, path.read_text(encoding="utf-8").split("\n")))
    return b"".join(parts)


def _generated() -> bytes:
    parts: list[bytes] = []
    seed = 0
    while sum(map(len, parts)) < SIZE:
        seed += 1
        parts += [corpus.diff_of(path, [line]) for path, line in corpus.look_alikes(seed)]
    return b"".join(parts)


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
