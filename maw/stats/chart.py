"""Statistics as one SVG picture: six panels that need no script, no font and no network, readable in light and dark.

Built as a tree of elements, so that it is well-formed whatever the names in it are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from maw.finding import SEVERITIES, VERDICTS
from maw.stats.figures import Figures, Found
from maw.stats.gather import Statistics
from maw.stats.words import short
from maw.text import one_line

WEEKS = 52  # the newest
CATEGORIES = 8
_WIDTH, _HEIGHT = 470, 250  # of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 44, 26  # what is around its plot
_PLOT = (_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)
_TITLE = 40
_GRID = 4  # lines
_LABEL_MAX = 18  # characters of a category
_STYLE = """
svg { background: #ffffff; font: 12px system-ui, sans-serif; }
text { fill: #24292f; } .faint { fill: #57606a; } .line { stroke: #d0d7de; } h1, .title { font-weight: 600; }
.a { fill: #2da44e; stroke: #2da44e; } .b { fill: #bf8700; stroke: #bf8700; } .c { fill: #8250df; stroke: #8250df; }
.d { fill: #cf222e; stroke: #cf222e; } .e { fill: #8c959f; stroke: #8c959f; } .f { fill: #0969da; stroke: #0969da; }
.curve { fill: none; stroke-width: 2; } .bar { stroke: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; } text { fill: #e6edf3; } .faint { fill: #9198a1; } .line { stroke: #30363d; }
}
"""


class Series(NamedTuple):
    """One colour of a panel. A value of None is a gap."""

    name: str
    colour: str
    values: Sequence[float | None]


def to_svg(statistics: Statistics) -> str:
    """The picture. Its text is that of `total` in a sentence, for those who cannot see it."""
    weeks = dict(list(statistics.weeks.items())[-WEEKS:])
    panels = [*_by_week(list(weeks), list(weeks.values())), _categories(statistics.categories)]
    rows = -(-len(panels) // 2)
    root = Xml.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", role="img", viewBox=f"0 0 {2 * _WIDTH} {_TITLE + rows * _HEIGHT}"
    )
    Xml.SubElement(root, "title").text = "Statistics of maw"
    Xml.SubElement(root, "desc").text = summary(statistics.total)
    Xml.SubElement(root, "style").text = _STYLE
    _text(root, 16, 26, summary(statistics.total), "title")
    for number, panel in enumerate(panels):
        panel.set("transform", f"translate({number % 2 * _WIDTH} {_TITLE + number // 2 * _HEIGHT})")
        root.append(panel)
    return Xml.tostring(root, encoding="unicode") + "\n"


def summary(total: Figures) -> str:
    share = (
        f", {total.found.acceptance:.0%} of the answered ones accepted" if total.found.acceptance is not None else ""
    )
    return f"{total.reviewed:,} reviews, {total.found.total:,} findings{share}"


def _by_week(weeks: Sequence[str], figures: Sequence[Figures]) -> list[Xml.Element]:
    def each(value: Callable[[Figures], float | None]) -> list[float | None]:
        return [value(found) for found in figures]

    verdicts = [
        Series(name, colour, each(lambda found, name=name: found.verdicts[name]))  # type: ignore[misc]
        for name, colour in zip(VERDICTS, "abcd", strict=True)
    ]
    severities = [
        Series(name, colour, each(lambda found, name=name: found.found.severities[name]))  # type: ignore[misc]
        for name, colour in zip(SEVERITIES, "efbd", strict=True)
    ]
    latency = [
        Series(f"{share}%", colour, each(lambda found, share=share: _seconds(found.latency.percentile(share))))  # type: ignore[misc]
        for share, colour in ((50, "a"), (90, "b"), (99, "d"))
    ]
    tokens = [
        Series("read", "f", each(lambda found: found.prompt_tokens)),
        Series("written", "c", each(lambda found: found.completion_tokens)),
    ]
    accepted = [Series("accepted or fixed", "a", each(lambda found: _percent(found.found.acceptance)))]
    return [
        _bars("Reviews a week", weeks, verdicts),
        _bars("Findings a week", weeks, severities),
        _curves("Seconds a review", weeks, latency),
        _bars("Tokens a week", weeks, tokens),
        _curves("Accepted findings, %", weeks, accepted, top=100.0),
    ]


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _bars(title: str, weeks: Sequence[str], series: Sequence[Series]) -> Xml.Element:
    """Stacked bars."""
    sums = [sum(found.values[at] or 0 for found in series) for at in range(len(weeks))]
    top = nice(max(sums, default=0))
    panel = _panel(title, weeks, series, top)
    width = _PLOT[0] / max(len(weeks), 1)
    heights = [0.0] * len(weeks)
    for found in series:
        for at, value in enumerate(found.values):
            if not value:
                continue
            height = value / top * _PLOT[1]
            heights[at] += height
            place = (_LEFT + at * width + width * 0.1, _TOP + _PLOT[1] - heights[at], width * 0.8, height)
            _bar(panel, place, found.colour, f"{weeks[at]}: {value:,.0f} {found.name}")
    return panel


def _curves(title: str, weeks: Sequence[str], series: Sequence[Series], top: float | None = None) -> Xml.Element:
    """Lines with a dot a week, which break where there is no value."""
    top = top or nice(max((value for found in series for value in found.values if value is not None), default=0))
    panel = _panel(title, weeks, series, top)
    width = _PLOT[0] / max(len(weeks), 1)
    for found in series:
        path, pen_down = [], False
        for at, value in enumerate(found.values):
            if value is not None:
                x, y = _LEFT + (at + 0.5) * width, _TOP + _PLOT[1] - value / top * _PLOT[1]
                path.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
                dot = Xml.SubElement(panel, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.5")
                dot.set("class", found.colour)
                Xml.SubElement(dot, "title").text = f"{weeks[at]}: {value:,.1f} ({found.name})"
            pen_down = value is not None
        Xml.SubElement(panel, "path", d=" ".join(path) or "M0 0").set("class", f"curve {found.colour}")
    return panel


def _categories(categories: dict[str, Found]) -> Xml.Element:
    """Bars that lie, each with its name: what people said of a category's findings."""
    shown = list(categories.items())[:CATEGORIES]
    parts = (("accepted or fixed", "a"), ("dismissed", "d"), ("unanswered", "e"))
    top = nice(max((found.total for _, found in shown), default=0))
    panel = _frame("Findings by category", [Series(name, colour, ()) for name, colour in parts])
    left, height = 130, _PLOT[1] / CATEGORIES
    for row, (category, found) in enumerate(shown):
        y, x = _TOP + row * height, float(left)
        label = one_line(category) or "(none)"
        label = label if len(label) <= _LABEL_MAX else label[: _LABEL_MAX - 1] + "…"
        _text(panel, left - 8, y + height / 2 + 4, label, "end")
        good, bad = found.answers["accepted"] + found.answers["fixed"], found.answers["dismissed"]
        for value, (name, colour) in zip((good, bad, found.total - good - bad), parts, strict=True):
            width = value / top * (_WIDTH - left - _RIGHT - 40)
            if value:
                _bar(panel, (x, y + height * 0.1, width, height * 0.8), colour, f"{label}: {value:,} {name}")
            x += width
        _text(panel, x + 6, y + height / 2 + 4, f"{found.total:,}", "faint")
    return panel


def _panel(title: str, weeks: Sequence[str], series: Sequence[Series], top: float) -> Xml.Element:
    """A frame with a grid, a scale from 0 to `top`, and the first and last week below."""
    panel = _frame(title, series)
    for step in range(_GRID + 1):
        y = _TOP + _PLOT[1] * (1 - step / _GRID)
        Xml.SubElement(panel, "line", x1=str(_LEFT), x2=str(_WIDTH - _RIGHT), y1=f"{y:.1f}", y2=f"{y:.1f}").set(
            "class", "line"
        )
        _text(panel, _LEFT - 6, y + 4, short(top * step / _GRID), "end faint")
    if weeks:
        _text(panel, _LEFT, _HEIGHT - 8, weeks[0], "faint")
        _text(panel, _WIDTH - _RIGHT, _HEIGHT - 8, weeks[-1], "end faint")
    else:
        _text(panel, _LEFT + 8, _TOP + 20, "nothing recorded", "faint")
    return panel


def _frame(title: str, series: Sequence[Series]) -> Xml.Element:
    panel = Xml.Element("g")
    _text(panel, 16, 18, title, "title")
    x = 16.0
    for found in series:
        _bar(panel, (x, 26, 9, 9), found.colour, found.name)
        _text(panel, x + 13, 35, found.name, "faint")
        x += 26 + 6.5 * len(found.name)
    return panel


def _bar(parent: Xml.Element, place: tuple[float, float, float, float], colour: str, told: str) -> None:
    names = ("x", "y", "width", "height")
    bar = Xml.SubElement(parent, "rect", {name: f"{value:.1f}" for name, value in zip(names, place, strict=True)})
    bar.set("class", f"bar {colour}")
    Xml.SubElement(bar, "title").text = told


def _text(parent: Xml.Element, x: float, y: float, text: str, style: str) -> None:
    made = Xml.SubElement(parent, "text", x=f"{x:.1f}", y=f"{y:.1f}")
    made.set("class", style)
    if "end" in style.split():
        made.set("text-anchor", "end")
    made.text = text


def nice(value: float) -> float:
    """The round number at or above it that a scale may end at: 1, 2 or 5 with zeros; 1 for nothing."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size < value:
        size *= 10
    while size / 10 >= value:
        size /= 10
    return next(size / part for part in (5, 2, 1) if size / part >= value)
