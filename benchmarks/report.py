"""Figures beside budgets, for a terminal and for RESULTS.md, with the machine they were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import time
from pathlib import Path

from benchmarks.rows import Row

_PACKAGES = ("git-maw", "click", "paramiko", "pygit2", "msgspec", "litestar", "uvicorn", "llama-cpp-python")
_HEAD = """\
# Results

Measured by `make bench`. CPU is user and system time of the process measured; the rest is wall time. A budget with
a ratio compares two runs of the same minute on the same machine, which is what to trust on a busy one.
How many random kills were survived, and the memory that huge changes take, are counted by tests
([reliability](../docs/reliability.md)) and stand at the end.

"""
_RELIABILITY = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
_COUNTED = {"random kills": "Random kills", "bounds on memory": "Memory"}  # a title each, and the page's heading


def table(rows: list[Row]) -> str:
    """Lines for a terminal."""
    return "\n".join(
        f"  {_mark(row)} {row.name:<72} {_figure(row.measured):>12} {row.unit:<8} {row.budget}" for row in rows
    )


def markdown(results: dict[str, list[Row]]) -> str:
    """The whole of RESULTS.md."""
    parts = [_HEAD, "\n".join(f"- {line}" for line in machine()), "\n"]
    for name, rows in results.items():
        parts.append(f"\n## {name}\n\n| what | measured | budget | kept |\n|---|---:|---:|---|\n")
        parts += [
            f"| {row.name} | {_figure(row.measured)} {row.unit} | {row.budget or '-'} | {_word(row)} |\n"
            for row in rows
        ]  # fmt: skip
    return "".join(parts) + "".join(f"\n## {title}\n\n{told}" for title, told in counted().items())


def counted() -> dict[str, str]:
    """The tables of what tests counted, not `make bench`: written down in docs/reliability.md by who ran them."""
    page = _RELIABILITY.read_text(encoding="utf-8")
    return {title: _table_below(f"\n## {heading}\n", page) for title, heading in _COUNTED.items()}


def _table_below(heading: str, page: str) -> str:
    section = page.partition(heading)[2].partition("\n## ")[0]
    return "".join(line for line in section.splitlines(keepends=True) if line.startswith("|"))


def machine() -> list[str]:
    """Date, processor, memory and versions; nothing that names a person or a host."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {version}" for name in _PACKAGES if (version := _version(name))]
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return [
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, git {git}, SQLite {sqlite3.sqlite_version}",
        ", ".join(versions),
    ]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except FileNotFoundError:
        done = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return platform.processor() or "unknown processor"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _mark(row: Row) -> str:
    return {True: "ok  ", False: "MISS", None: "    "}[row.ok]


def _word(row: Row) -> str:
    return {True: "yes", False: "**no**", None: "-"}[row.ok]
