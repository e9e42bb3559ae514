"""The table of docs/hooks.md: `python -m tests.hooks.table` writes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.hooks import ways_framed, ways_replayed, ways_typed
from tests.hooks.way import WAYS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hooks.md"
BEGIN, END = "<!-- ways: made by `make docs` -->\n", "<!-- /ways -->\n"
HEAD = "| way | hooks that git starts | sent to the node | recorded on HEAD |\n|---|---|---|---|\n"
MODULES = [module.__name__ for module in (ways_typed, ways_replayed, ways_framed)]  # whose import makes WAYS whole


def table() -> str:
    """What is typed first, frameworks last."""
    in_order = sorted(WAYS, key=lambda way: (bool(way.under), MODULES.index(way.go.__module__)))
    return HEAD + "".join(way.row for way in in_order)


def written(page: str) -> str:
    """The page with the table in its place."""
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    found, count = re.subn(pattern, lambda _: BEGIN + table() + END, page, flags=re.DOTALL)
    assert count == 1, f"{PAGE.name} has no place for the table"
    return found


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"{len(WAYS)} ways in {PAGE.name}\n")
