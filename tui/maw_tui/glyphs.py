"""Which characters the terminal can show. Widgets draw what they like; where only ASCII can be shown, every line goes
through a filter on its way out, so that nothing has to be drawn twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

AUTO, UTF8, ASCII = "auto", "utf-8", "ascii"

_TABLE = {
    "─━╌┄┈╴╶╸╺▁▔▂": "-",
    "═": "=",
    "│┃║┆┊╎╵╷╹╻▏▕▎▍▌▐▊▋": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬": "+",
    "█▉▇▆▅": "#",
    "▓": "%",
    "▄▃▀▒": "=",
    "░": ".",
    "●◉⬤•": "*",
    "○◌·∙⋅": ".",
    "▶►▸❯›→": ">",
    "◀◄◂❮‹←": "<",
    "▲▴↑": "^",
    "▼▾↓": "v",
    "✓✔": "y",
    "✗✘×": "x",
    "…": "~",
    "–—−": "-",
    "“”„": '"',
    "‘’": "'",
    "\u00a0": " ",
}
_PLAIN = {ord(char): plain for chars, plain in _TABLE.items() for char in chars}


def ascii_only(setting: str, environ: Mapping[str, str]) -> bool:
    """Whether only ASCII should be drawn: as the setting says, or with `auto` as the locale does."""
    if setting != AUTO:
        return setting == ASCII
    # Python itself sets LC_CTYPE when the locale is C (PEP 538), so that one is asked last.
    locale = environ.get("LC_ALL") or environ.get("LANG") or environ.get("LC_CTYPE") or "C.UTF-8"
    return "utf" not in locale.lower()


def plain(text: str) -> str:
    """`text` in ASCII that takes as many columns."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _stand_in(char) for char in text.translate(_PLAIN))


def _stand_in(char: str) -> str:
    if unicodedata.combining(char):
        return ""
    base = unicodedata.normalize("NFKD", char)[0]
    if base.isascii():
        return base
    return "??" if unicodedata.east_asian_width(char) in "WF" else "?"


class AsciiFilter(LineFilter):
    """Turns every line into ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(plain(text), style, control) for text, style, control in segments]
