"""Lines to read, with vi's keys beside the arrows."""

from __future__ import annotations

from maw_tui.widgets.lines import Lines
from maw_tui.widgets.vi import SCROLL


class Page(Lines):
    BINDINGS = SCROLL
