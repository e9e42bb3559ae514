"""maw's two themes, and which one to begin with. Texts and signs stand out from their grounds 3 to 1 at least, scroll
bars among them, which Textual would make of the panel's colour. Any of Textual's own can be chosen by name, too.

Where the terminal has 16 colours these two would come out as white on black, good as bad: it is shown in its own then,
on its own ground, and `-few-colors` has styles that tell verdicts apart."""

from __future__ import annotations

from textual.theme import Theme

DARK, LIGHT = "maw-dark", "maw-light"
NO_COLOR = "ansi-dark"  # of Textual: the terminal's own colours, which are then taken out
_IN_16 = {DARK: "ansi-dark", LIGHT: "ansi-light"}

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


def in_few(name: str) -> str:
    """What stands for a theme where the terminal has 16 colours."""
    return _IN_16.get(name, name)


def in_many(name: str) -> str:
    """The theme that one of the 16 colours stands for."""
    return next((known for known, few in _IN_16.items() if few == name), name)
