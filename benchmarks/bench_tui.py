"""The terminal UI in a pseudo-terminal, over 100,000 reviewed commits and a real runner that streams.

A key's effect in a list is there with its first output, since nothing else draws there; a filter's with the newest
commit that fits. CPU is the UI's own process; the runner's is not in it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.many_notes import build
from benchmarks.rows import Row
from benchmarks.terminal import Terminal
from maw import client, paths, reach, tasks
from maw.git.repo import discover
from maw.memory.index import Index
from tests.fixtures.runner import RunnerProcess

COUNT = 100_000
ROOT = Path(__file__).resolve().parents[1]
STARTS, KEYS = 5, 60
TYPED = ("75173", "31846", "92640")  # into the filter: parts of subjects, each rarer than the one before
PAINT, KEY, STROKE, IDLE, STREAM, MEMORY = 400.0, 50.0, 100.0, 2.0, 15.0, 150.0
WATCHED = 10.0  # seconds that CPU is measured for
FIRST = f"Change {COUNT}".encode()  # the latest commit's subject
DOWN, PAGE_DOWN, END, HOME, ESCAPE = b"j", b"\x1b[6~", b"\x1b[F", b"\x1b[H", b"\x1b"


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="maw-bench-tui-") as folder:
        path = Path(folder) / "repo"
        build(path, COUNT)
        with Index(discover(str(path))) as index:
            index.refresh()
        Path(paths.make_private_dir(paths.state_dir()), "parallel").write_text("3")
        runner = RunnerProcess().start()
        try:
            return [_first_paint(path), *_session(path)]
        finally:
            runner.stop()


def _first_paint(path: Path) -> Row:
    took = statistics.median(_start(path) for _ in range(STARTS))
    return _judged(f"first paint of the history after Textual's import, {COUNT:,} commits", took, PAINT, "ms")


def _start(path: Path) -> float:
    """Milliseconds from Textual's import to the newest commit on the terminal."""
    with _tui(path, "history") as (terminal, started):
        seen = terminal.until(FIRST)
        return (seen - float(started.read_text())) * 1000


def _session(path: Path) -> Iterator[Row]:
    ended = _ended(2)
    with _tui(path, "history") as (terminal, _):
        terminal.until(FIRST)
        yield _idle("history", terminal)
        terminal.press(b"3")
        terminal.until(b"local")
        yield _idle("queue", terminal)
        with _streams(1):
            yield _judged("CPU on the queue, one task streaming 50 tokens/s", _cpu(terminal), STREAM, "%")
        with _streams(3):
            yield _percentile("a key on the queue while three tasks stream, p95", _queue_keys(terminal, ended), KEY)
            terminal.settled(terminal.press(b"1"))
            moved, complete = _keys(terminal)
            yield _percentile("a key in the history while three tasks stream, p95", moved, KEY)
            yield Row("the same, until the commit beside the list has come, median", complete, "", "ms", None)
            yield _percentile("a keystroke of the history's filter, p95", _strokes(terminal), STROKE)
        held = psutil.Process(terminal.process.pid).memory_full_info()
        yield _judged("memory (PSS) after all that", getattr(held, "pss", held.rss) / 1e6, MEMORY, "MB")


def _keys(terminal: Terminal) -> tuple[list[float], float]:
    """Milliseconds of each key to the first that it draws, and the median to the last."""
    keys = [DOWN] * 12 + [PAGE_DOWN] * 4 + [END, HOME]
    moved, complete = [], []
    for number in range(KEYS):
        begin = time.monotonic()
        place = terminal.press(keys[number % len(keys)])
        moved.append((terminal.first(place) - begin) * 1000)
        complete.append((terminal.settled(place) - begin) * 1000)
    return moved, statistics.median(complete)


def _strokes(terminal: Terminal) -> list[float]:
    """Milliseconds from a key that is typed into the filter to the newest commit that has the digits so far."""
    found = []
    for number in TYPED:
        terminal.settled(terminal.press(b"/"))
        for at in range(1, len(number) + 1):
            newest = next(other for other in range(COUNT, 0, -1) if number[:at] in str(other))
            begin = time.monotonic()
            place = terminal.press(number[at - 1].encode())
            found.append((terminal.until(f"Change {newest}".encode(), place) - begin) * 1000)
            terminal.settled(place)
        terminal.settled(terminal.press(ESCAPE), quiet=0.5)
    return found


def _queue_keys(terminal: Terminal, ended: list[str]) -> list[float]:
    """Up and down between two tasks that ended, whose ids the pane shows: what streams is not taken for them."""
    lower, upper = ended
    terminal.until(lower.encode(), terminal.press(END))
    found = []
    for number in range(KEYS):
        key, shows = (b"j", lower) if number % 2 else (b"k", upper)
        begin = time.monotonic()
        found.append((terminal.until(shows.encode(), terminal.press(key)) - begin) * 1000)
        time.sleep(0.05)
    return found


def _ended(count: int) -> list[str]:
    """The ids of tasks that ended one after the other: the first of all is the last row of the queue."""
    found = []
    for number in range(count):
        task = client.submit(reach.LOCAL, {"kind": "review", "payload": {"echo": number, "title": "ended"}})["id"]
        for event in client.events(reach.LOCAL, task, deadline=time.monotonic() + 30):
            if event.type == "done":
                found.append(str(task))
    return found


def _idle(screen: str, terminal: Terminal) -> Row:
    time.sleep(2)
    return _judged(f"CPU while nothing happens, {screen}", _cpu(terminal), IDLE, "%")


def _cpu(terminal: Terminal) -> float:
    """Per cent of a processor, over a while."""
    process = psutil.Process(terminal.process.pid)
    before, begin = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(WATCHED)
    return 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begin)


@contextmanager
def _streams(count: int) -> Iterator[None]:
    """So many tasks stream 50 tokens a second each."""
    running = [_stream(number) for number in range(count)]
    try:
        time.sleep(2)
        yield
    finally:
        for task in running:
            tasks.cancel(reach.LOCAL, task, force=True)


def _stream(number: int) -> str:
    payload = {"texts": 100_000, "text_pause": 0.02, "title": f"stream {number} {time.monotonic()}"}
    return str(client.submit(reach.LOCAL, {"kind": "review", "payload": payload, "keep": True})["id"])


@contextmanager
def _tui(path: Path, screen: str) -> Iterator[tuple[Terminal, Path]]:
    started = Path(paths.state_dir()) / "tui-started"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "benchmarks.tui_program", str(started), screen]
    terminal = Terminal(command, cwd=str(path), env=env)
    try:
        yield terminal, started
    finally:
        terminal.close()


def _percentile(name: str, values: list[float], budget: float) -> Row:
    return _judged(name, statistics.quantiles(values, n=20)[-1], budget, "ms")


def _judged(name: str, measured: float, budget: float, unit: str) -> Row:
    return Row(name, measured, f"≤ {budget:.0f}", unit, measured <= budget)
