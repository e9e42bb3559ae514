"""Statistics as one SVG picture: eight panels that need no script, no font and no network, readable in light and dark.

Built as a tree of elements, so that it is well-formed whatever the names in it are.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from maw.stats.figures import Figures, Found
from maw.stats.gather import Statistics
from maw.stats.plots import BAD, FAINT, GOOD, Plot, by_week, nice
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
text { fill: #24292f; } .dim { fill: #57606a; } .line { stroke: #d0d7de; } .title { font-weight: 600; }
.good { fill: #2da44e; stroke: #2da44e; } .warn { fill: #bf8700; stroke: #bf8700; }
.odd { fill: #8250df; stroke: #8250df; } .bad { fill: #cf222e; stroke: #cf222e; }
.faint { fill: #8c959f; stroke: #8c959f; } .plain { fill: #0969da; stroke: #0969da; }
.curve { fill: none; stroke-width: 2; } .bar { stroke: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; } text { fill: #e6edf3; } .dim { fill: #9198a1; } .line { stroke: #30363d; }
}
"""


def to_svg(statistics: Statistics) -> str:
    """The picture. Its text is that of `total` in a sentence, for those who cannot see it."""
    panels = [_bars(plot) if plot.stacked else _curves(plot) for plot in by_week(statistics, WEEKS)]
    panels += [
        _answers("Findings by category", statistics.categories),
        _answers("Findings by severity", statistics.severities),
    ]
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


def _bars(plot: Plot) -> Xml.Element:
    """Stacked bars."""
    panel, top = _panel(plot), plot.scale
    width = _PLOT[0] / max(len(plot.weeks), 1)
    heights = [0.0] * len(plot.weeks)
    for series in plot.series:
        for at, value in enumerate(series.values):
            if not value:
                continue
            height = value / top * _PLOT[1]
            heights[at] += height
            place = (_LEFT + at * width + width * 0.1, _TOP + _PLOT[1] - heights[at], width * 0.8, height)
            _bar(panel, place, series.look, f"{plot.weeks[at]}: {value:,.0f} {series.name}")
    return panel


def _curves(plot: Plot) -> Xml.Element:
    """Lines with a dot a week, which break where there is no value."""
    panel, top = _panel(plot), plot.scale
    width = _PLOT[0] / max(len(plot.weeks), 1)
    for series in plot.series:
        path, pen_down = [], False
        for at, value in enumerate(series.values):
            if value is not None:
                x, y = _LEFT + (at + 0.5) * width, _TOP + _PLOT[1] - value / top * _PLOT[1]
                path.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
                dot = Xml.SubElement(panel, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.5")
                dot.set("class", series.look)
                Xml.SubElement(dot, "title").text = f"{plot.weeks[at]}: {value:,.1f} ({series.name})"
            pen_down = value is not None
        Xml.SubElement(panel, "path", d=" ".join(path) or "M0 0").set("class", f"curve {series.look}")
    return panel


def _answers(title: str, groups: dict[str, Found]) -> Xml.Element:
    """Bars that lie, each with its name: what people said of a group's findings."""
    shown = list(groups.items())[:CATEGORIES]
    parts = (("accepted or fixed", GOOD), ("dismissed", BAD), ("unanswered", FAINT))
    top = nice(max((found.total for _, found in shown), default=0))
    panel = _frame(title, parts)
    left, height = 130, _PLOT[1] / CATEGORIES
    for row, (name, found) in enumerate(shown):
        y, x = _TOP + row * height, float(left)
        label = one_line(name) or "(none)"
        label = label if len(label) <= _LABEL_MAX else label[: _LABEL_MAX - 1] + "…"
        _text(panel, left - 8, y + height / 2 + 4, label, "end")
        good, bad = found.answers["accepted"] + found.answers["fixed"], found.answers["dismissed"]
        for value, (what, look) in zip((good, bad, found.total - good - bad), parts, strict=True):
            width = value / top * (_WIDTH - left - _RIGHT - 40)
            if value:
                _bar(panel, (x, y + height * 0.1, width, height * 0.8), look, f"{label}: {value:,} {what}")
            x += width
        _text(panel, x + 6, y + height / 2 + 4, f"{found.total:,}", "dim")
    return panel


def _panel(plot: Plot) -> Xml.Element:
    """A frame with a grid, a scale, and the first and last week below."""
    panel = _frame(plot.title, [(series.name, series.look) for series in plot.series])
    for step in range(_GRID + 1):
        y = _TOP + _PLOT[1] * (1 - step / _GRID)
        line = Xml.SubElement(panel, "line", x1=str(_LEFT), x2=str(_WIDTH - _RIGHT), y1=f"{y:.1f}", y2=f"{y:.1f}")
        line.set("class", "line")
        _text(panel, _LEFT - 6, y + 4, short(plot.scale * step / _GRID), "end dim")
    if plot.weeks:
        _text(panel, _LEFT, _HEIGHT - 8, plot.weeks[0], "dim")
        _text(panel, _WIDTH - _RIGHT, _HEIGHT - 8, plot.weeks[-1], "end dim")
    else:
        _text(panel, _LEFT + 8, _TOP + 20, "nothing recorded", "dim")
    return panel


def _frame(title: str, legend: Iterable[tuple[str, str]]) -> Xml.Element:
    panel = Xml.Element("g")
    _text(panel, 16, 18, title, "title")
    x = 16.0
    for name, look in legend:
        _bar(panel, (x, 26, 9, 9), look, name)
        _text(panel, x + 13, 35, name, "dim")
        x += 26 + 6.5 * len(name)
    return panel


def _bar(parent: Xml.Element, place: tuple[float, float, float, float], look: str, told: str) -> None:
    names = ("x", "y", "width", "height")
    bar = Xml.SubElement(parent, "rect", {name: f"{value:.1f}" for name, value in zip(names, place, strict=True)})
    bar.set("class", f"bar {look}")
    Xml.SubElement(bar, "title").text = told


def _text(parent: Xml.Element, x: float, y: float, text: str, style: str) -> None:
    made = Xml.SubElement(parent, "text", x=f"{x:.1f}", y=f"{y:.1f}")
    made.set("class", style)
    if "end" in style.split():
        made.set("text-anchor", "end")
    made.text = text
