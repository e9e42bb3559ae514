"""The Generate screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from maw_tui.screens.base import MawScreen


class GenerateScreen(MawScreen):
    NAME = "Generate"
    ABOUT = ""

    def body(self) -> ComposeResult:
        yield Static("")
