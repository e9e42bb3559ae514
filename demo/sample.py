"""The sample repository: a tiny shop, and a change with a bug in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.stage import HERE, Role

BEFORE = '''\
"""Prices of a small shop."""


def total(prices):
    return sum(prices)
'''

# The planted bug: without any price, average() divides by zero. It is not the example that the reviewer's prompt gives,
# so that a model which merely repeats its prompt is seen to do so.
AFTER = (
    BEFORE
    + """

def average(prices):
    return total(prices) / len(prices)
"""
)


def make(air: Role) -> Path:
    """A new repository with one commit."""
    shutil.rmtree(HERE / "sample", ignore_errors=True)
    path = HERE / "sample"
    air.run("git", "init", "--quiet", str(path))
    (path / "prices.py").write_text(BEFORE)
    air.run("git", "add", "prices.py", cwd=path)
    air.run("git", "commit", "--quiet", "-m", "Sum prices", cwd=path)
    return path


def plant_bug(path: Path) -> None:
    (path / "prices.py").write_text(AFTER)
