"""Lines of text in styles by name, drawn only where they are seen: what maw/review/render.py and others make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from maw.review.render import Line

# Names of styles in lines; maw.tcss gives them colours, as `.lines--NAME`.
STYLES = (
    "plain", "dim", "path", "quote", "replacement", "critical", "error", "warning", "info", "head", "good", "commit",
    "added", "removed", "hunk", "keyword", "string", "number", "comment", "name", "mark",
)  # fmt: skip


class Painted(ScrollView, can_focus=True):
    """Draws the line that `line_at` gives, cut at the edge. The base of `Lines` and `Rows`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in STYLES}
    ALLOW_SELECT = False
    ground = Style.null()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._reach = Size()
        self._painted: dict[int, Strip] = {}  # the rows of the screen

    @property
    def columns(self) -> int:
        """What there is room for beside the scroll bar, where there is one."""
        return self.size.width - (self.styles.scrollbar_size_vertical if self.show_vertical_scrollbar else 0)

    @property
    def room(self) -> int:
        """The same whether its scroll bar is there yet or not; 0 while nothing is laid out."""
        return max(self.size.width - self.styles.scrollbar_size_vertical, 0)

    def line_at(self, number: int) -> Line | None:
        """The line of this number; None for an empty one."""
        raise NotImplementedError

    def base_style(self, number: int) -> Style:
        """What the whole line is painted on."""
        return self.ground

    def reach(self, width: int, height: int) -> None:
        """What there is to scroll over: nothing where all of it is seen, so that it does not change with each content,
        which has the whole widget laid out and drawn anew."""
        self._reach = Size(width, height)
        self.virtual_size = Size(width if width > self.size.width else 0, max(height, self.size.height))

    def on_resize(self) -> None:
        self.reach(*self._reach)

    def repaint(self) -> None:
        """Draw the lines that are others than those on the screen: over SSH it is seen when all are."""
        self.ground = self.rich_style
        for y in range(self.size.height):
            if self._line(y) != self._painted.get(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        self.ground = self.rich_style  # once a picture: it is put together anew each time it is asked for
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        self._painted[y] = self._line(y)
        return self._painted[y]

    def _line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        base = self.base_style(top + y)
        line = self.line_at(top + y)
        width = self.size.width
        if line is None:
            return Strip.blank(width, base)
        segments = [Segment(text, self._on(base, name)) for name, text in line.parts if text]
        return Strip(segments).crop_extend(left, left + width, base)

    def action_sideways(self, direction: int) -> None:
        """Half of what is seen, to the right or to the left."""
        self.scroll_to(x=self.scroll_offset.x + direction * max(self.size.width // 2, 1), animate=False, force=True)

    def _on(self, base: Style, names: str) -> Style:
        """The style of a part: of `added keyword`, one on the other. The cursor keeps its ground."""
        style = base
        for name in names.split():
            style += self.get_component_rich_style(f"lines--{name}", partial=True, default=Style.null())
        return style if base is self.ground else style + Style(bgcolor=base.bgcolor)


class Lines(Painted):
    """Lines to read."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()
        self._end = 0  # the furthest that one could scroll when it last grew

    def show(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        """Show other lines, from their start unless the place is to be kept."""
        self._lines = lines
        self.reach(_width(lines), len(lines))
        if not keep_place:
            self.scroll_to(0, 0, animate=False, immediate=True, force=True)  # though its bar has gone
        self.repaint()

    def grow(self, lines: Sequence[Line]) -> None:
        """The same lines with more at their end. Only what is another now is drawn; who was at the end goes along."""
        at_end = self.scroll_offset.y >= min(self._end, self.max_scroll_y)
        before, self._lines = self._lines, lines
        self._lengthen(_width(lines), len(lines))
        for number in range(self.scroll_offset.y, self.scroll_offset.y + self.size.height):
            if before[number : number + 1] != lines[number : number + 1]:
                self.refresh_line(number)
        if at_end:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)  # its bar may be still to come
        self._end = self.max_scroll_y

    def _lengthen(self, width: int, count: int) -> None:
        """Unless a scroll bar comes or goes, nothing need be laid out for that: it would draw the whole screen anew."""
        self._reach = Size(width, count)
        size = Size(max(width, self.size.width), count)
        if self.show_vertical_scrollbar != (count > self.size.height) or size.width != self.virtual_size.width:
            self.virtual_size = size
        else:
            self.set_reactive(Lines.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = count

    def line_at(self, number: int) -> Line | None:
        return self._lines[number] if number < len(self._lines) else None


def _width(lines: Sequence[Line]) -> int:
    return max((sum(cell_len(text) for _, text in line.parts) for line in lines), default=0)
