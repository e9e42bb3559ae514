"""What is on the screen, as text; and pictures of it, with their colours in both themes, that are kept in snapshots/
and compared.

`MAW_SNAPSHOTS=write python -m pytest tests/tui` writes them anew; look at the difference before it is committed.

A picture is the text of the screen, then the same rows with a letter for the style of each character, then what the
letters mean in the dark theme and in the light one. Trailing characters of one style are told once.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from rich.color import Color
from rich.style import Style
from textual.app import App
from textual.strip import Strip

from maw_tui.themes import DARK, LIGHT

FOLDER = Path(__file__).parent / "snapshots"
READABLE = 3.0  # contrast of a text with its ground, as WCAG 2.1 counts and asks of large text and of signs
_WRITE = os.environ.get("MAW_SNAPSHOTS") == "write"  # read at import: a test's home takes the variable away
_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_SIGNS = " │─▁░└┘╭╮╰╯"  # they part what is said, and say nothing


class Shown(Protocol):
    """The app as a person has it (conftest.Ui)."""

    app: App[None]

    async def idle(self) -> None: ...


class Ink(NamedTuple):
    """How a character is drawn; `text` is empty where nothing is seen of it."""

    text: str
    ground: str
    how: str

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.text or 'blank'} on {self.ground}", self.how) if part)


def lines(app: App[None]) -> list[str]:
    """The rows of the screen in front, without blanks at their ends."""
    return [strip.text.rstrip() for strip in _strips(app)]


def inks_of(app: App[None]) -> dict[str, str]:
    """How each text on the screen is drawn, by the terminal's own names of colours where it has those."""
    return {segment.text: str(segment.style) for strip in _strips(app) for segment in strip}


async def check(name: str, ui: Shown, hide: Mapping[str, str] | None = None) -> None:
    """The screen is what it was when the picture `name` was taken at this size, in both themes, and can be read in
    both. `hide`: by patterns, what stands for what is another each time; the styles of such rows are told by their
    order alone."""
    was, views = ui.app.theme, []
    for theme in (DARK, LIGHT):
        ui.app.theme = theme
        await ui.idle()
        views.append(_strips(ui.app))
        faint = {text: ratio for text, ratio in contrasts(views[-1]).items() if ratio < READABLE}
        assert not faint, f"{theme}: {faint}"
    ui.app.theme = was
    await ui.idle()
    shown = _picture(*views, hide or {})
    size = ui.app.size
    path = FOLDER / f"{name}-{size.width}x{size.height}.txt"
    if _WRITE:
        path.write_text(shown, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    assert shown == kept, f"{path.name} is another picture; now it is\n{shown}"


def contrasts(strips: Sequence[Strip]) -> dict[str, float]:
    """How far each text stands out from its ground."""
    found: dict[str, float] = {}
    for segment in (segment for strip in strips for segment in strip):
        style, text = segment.style, segment.text.strip(_SIGNS)
        if text and style and style.color and style.bgcolor:
            found[text] = contrast(style.color, style.bgcolor)
    return found


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.1: 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part / 255) for part in color.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _strips(app: App[None]) -> list[Strip]:
    strips = app.screen._compositor.render_strips()
    background = app.screen.background_colors[1]
    for each in app.get_line_filters():
        strips = [strip.apply_filter(each, background) for strip in strips]
    return strips


def _picture(dark: Sequence[Strip], light: Sequence[Strip], hide: Mapping[str, str]) -> str:
    """All of a picture. Both themes show the same text."""
    text = [_hidden(strip.text.rstrip(), hide) for strip in dark]
    assert text == [_hidden(strip.text.rstrip(), hide) for strip in light]
    letters: dict[tuple[Ink, Ink], str] = {}
    styles = [
        _style_row(one, other, letters, whole=not any(re.search(pattern, one.text) for pattern in hide))
        for one, other in zip(dark, light, strict=True)
    ]
    legend = [f"{letter} dark:  {one}\n  light: {other}" for (one, other), letter in letters.items()]
    return "\n".join([*text, "", *styles, "", *legend, ""])


def _style_row(dark: Strip, light: Strip, letters: dict[tuple[Ink, Ink], str], *, whole: bool) -> str:
    """A letter a character, or, unless `whole`, one for as many of a style as stand together."""
    one, other = ((_inks(strip) if whole else [ink for ink, _ in groupby(_inks(strip))]) for strip in (dark, light))
    row = ""
    for pair in zip(one, other, strict=True):
        if pair not in letters:
            letters[pair] = _LETTERS[len(letters)]
        row += letters[pair]
    return re.sub(r"(.)\1+$", r"\1", row)


def _hidden(row: str, hide: Mapping[str, str]) -> str:
    for pattern, instead in hide.items():
        row = re.sub(pattern, instead, row)
    return row


def _inks(strip: Strip) -> Iterator[Ink]:
    """The style of each character of a row."""
    for segment in strip:
        style = segment.style or Style.null()
        names = {"bold": style.bold, "dim": style.dim, "italic": style.italic}
        seen_on_blanks = {"underline": style.underline, "reverse": style.reverse, "strike": style.strike}
        how = " ".join(name for name, on in (names | seen_on_blanks).items() if on)
        how_blank = " ".join(name for name, on in seen_on_blanks.items() if on)
        text, ground = (_name(color) for color in (style.color, style.bgcolor))
        for char in segment.text:
            blank = char == " " and not how_blank
            yield Ink("", ground, "") if blank else Ink(text, ground, how)


def _name(color: Color | None) -> str:
    return color.get_truecolor().hex if color is not None else "default"
