"""The Nodes screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from maw_tui.screens.base import MawScreen


class NodesScreen(MawScreen):
    NAME = "Nodes"
    ABOUT = ""

    def body(self) -> ComposeResult:
        yield Static("")
