"""A plot of weeks in characters: columns that are stacked, or a mark a value. It needs no colours to be read."""

from __future__ import annotations

from collections.abc import Iterator

from maw.review.render import Line, Part
from maw.stats.plots import BAD, FAINT, GOOD, ODD, PLAIN, WARN, Plot
from maw.stats.words import short
from maw_tui.widgets.lines import Lines

# The style of lines that is a colour's, by its meaning.
_STYLES = {GOOD: "good", WARN: "warning", ODD: "keyword", BAD: "critical", FAINT: "dim", PLAIN: "info"}
_FILLS = "█▒░▓"  # of the first series, the second…; they differ without colours, and as ASCII
_MARKS = "●○×"
_SCALE = 7  # columns of the numbers at the left, with the axis
_WIDEST = 6  # columns of a week
_FEWEST = 2  # rows; less are no plot


class PlotView(Lines):
    """Shows a plot, and draws it anew when its room changes."""

    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: Plot | None = None

    def plot(self, plot: Plot | None) -> None:
        self._plot = plot
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        self.show(draw(self._plot, width, height) if self._plot is not None and width > 2 * _SCALE else [])


def draw(plot: Plot, width: int, height: int) -> list[Line]:
    """The plot in so much room, with the newest weeks where it has not room for all."""
    head = Line((("head", plot.title), ("plain", "  "), *_legend(plot)))
    rows = (height - 3) // 2 * 2  # without the head, the axis and the weeks; even, so that there is a half
    if rows < _FEWEST or not plot.weeks:
        return [head, Line((("dim", "nothing recorded" if not plot.weeks else ""),))]
    room = width - _SCALE
    each = max(1, min(_WIDEST, room // len(plot.weeks)))
    shown = min(len(plot.weeks), room // each)
    cut = plot._replace(
        weeks=plot.weeks[-shown:], series=[one._replace(values=one.values[-shown:]) for one in plot.series]
    )
    columns = [list(_column(cut, at, rows)) for at in range(shown)]
    lines = [head]
    for row in range(rows - 1, -1, -1):
        cells = [columns[at][row] for at in range(shown)]
        lines.append(Line((("dim", _number(cut.scale, row, rows)), *(_cell(part, each) for part in cells))))
    lines.append(Line((("dim", " " * (_SCALE - 1) + "└" + "─" * (shown * each)),)))
    lines.append(Line((("dim", " " * _SCALE + _weeks(cut, shown * each, room)),)))
    return [*lines, *[Line(())] * (height - len(lines))]


def _legend(plot: Plot) -> Iterator[Part]:
    for one, sign in zip(plot.series, _FILLS if plot.stacked else _MARKS, strict=False):
        yield _STYLES[one.look], sign
        yield "dim", f" {one.name}  "


def _column(plot: Plot, at: int, rows: int) -> Iterator[Part]:
    """What stands in a week, from the lowest row up."""
    if not plot.stacked:
        return iter(_marks(plot, at, rows))
    cells: list[Part] = []
    reached = 0.0
    for one, fill in zip(plot.series, _FILLS, strict=False):
        value = one.values[at] or 0
        reached += value
        upto = round(reached / plot.scale * rows)
        cells += [(_STYLES[one.look], fill)] * (upto - len(cells))
        if value and not cells:
            cells.append((_STYLES[one.look], "▁"))  # there is some, but not a row of it
    return iter([*cells, *[("plain", " ")] * (rows - len(cells))])


def _marks(plot: Plot, at: int, rows: int) -> list[Part]:
    cells: list[Part] = [("plain", " ")] * rows
    for one, mark in zip(plot.series, _MARKS, strict=False):
        value = one.values[at]
        if value is not None:
            cells[min(int(value / plot.scale * rows), rows - 1)] = (_STYLES[one.look], mark)
    return cells


def _cell(part: Part, width: int) -> Part:
    """A part as wide as a week is: columns fill it but for a gap, marks stand at its left."""
    style, char = part
    filled = 1 if char in _MARKS else max(width - 1, 1)
    return style, (char * filled).ljust(width)


def _number(scale: float, row: int, rows: int) -> str:
    """The numbers beside the axis: at the top and half way."""
    told = {rows - 1: scale, rows // 2 - 1: scale / 2}.get(row)
    return f"{short(told) if told is not None else '':>{_SCALE - 2}} │"


def _weeks(plot: Plot, width: int, room: int) -> str:
    """The first and the last week, as far as there is room for both."""
    first, last = plot.weeks[0], plot.weeks[-1]
    between = width - len(first) - len(last)
    return f"{first}{' ' * between}{last}" if between > 0 else first[:room]
