"""maw's two themes, and which one to begin with. Texts and signs stand out from their grounds 3 to 1 at least, scroll
bars among them, which Textual would make of the panel's colour. Any of Textual's own can be chosen by name, too."""

from __future__ import annotations

from textual.theme import Theme

DARK, LIGHT = "maw-dark", "maw-light"
NO_COLOR = "ansi-dark"  # of Textual: the terminal's own colours, which are then taken out

THEMES = (
    Theme(
        name=DARK, dark=True,
        primary="#7aa2f7", secondary="#7dcfff", accent="#bb9af7", warning="#e0af68", error="#f7768e",
        success="#9ece6a", foreground="#d5d9e8", background="#16161e", surface="#1c1d28", panel="#292b3a",
        variables={"scrollbar": "#666b85", "scrollbar-hover": "#7c82a1"},
    ),
    Theme(
        name=LIGHT, dark=False,
        primary="#2959aa", secondary="#0f6b8f", accent="#7847bd", warning="#8a5a00", error="#b3261e",
        success="#3a6a1a", foreground="#22252b", background="#fbfbfd", surface="#f0f1f5", panel="#dfe1e9",
        variables={"scrollbar": "#7d8294", "scrollbar-hover": "#636879"},
    ),
)  # fmt: skip
