"""The screens by name. Each is imported when it is first shown."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maw_tui.screens.base import MawScreen

# In the order of the number keys; the values are `module:class`.
SCREENS: dict[str, str] = {
    "history": "maw_tui.screens.history:HistoryScreen",
    "findings": "maw_tui.screens.findings:FindingsScreen",
    "queue": "maw_tui.screens.queue.screen:QueueScreen",
    "nodes": "maw_tui.screens.nodes.screen:NodesScreen",
    "stats": "maw_tui.screens.stats:StatsScreen",
    "generate": "maw_tui.screens.generate:GenerateScreen",
}
TITLES = {
    "history": "History",
    "findings": "Findings",
    "queue": "Queue",
    "nodes": "Nodes",
    "stats": "Statistics",
    "generate": "Generate",
}


def load(name: str) -> type[MawScreen]:
    """The class of a screen."""
    module, _, attribute = SCREENS[name].partition(":")
    found: type[MawScreen] = getattr(importlib.import_module(module), attribute)
    return found
