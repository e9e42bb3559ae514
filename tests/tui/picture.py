"""What is on the screen, as text; and pictures of it that are kept in snapshots/ and compared.

`MAW_SNAPSHOTS=write python -m pytest tests/tui` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from textual.app import App

FOLDER = Path(__file__).parent / "snapshots"
_WRITE = os.environ.get("MAW_SNAPSHOTS") == "write"  # read at import: a test's home takes the variable away


def lines(app: App[None]) -> list[str]:
    """The rows of the screen in front, without blanks at their ends."""
    strips = app.screen._compositor.render_strips()
    filters = app.get_line_filters()
    background = app.screen.background_colors[1]
    for each in filters:
        strips = [strip.apply_filter(each, background) for strip in strips]
    return [strip.text.rstrip() for strip in strips]


def check(name: str, app: App[None], hide: Mapping[str, str] | None = None) -> None:
    """The screen is what it was when the picture `name` was taken; `hide`: by patterns, what stands for what is
    another each time."""
    shown = "\n".join(lines(app)) + "\n"
    for pattern, instead in (hide or {}).items():
        shown = re.sub(pattern, instead, shown)
    path = FOLDER / f"{name}.txt"
    if _WRITE:
        path.write_text(shown, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    assert shown == kept, f"{path.name} is another picture; now it is\n{shown}"
