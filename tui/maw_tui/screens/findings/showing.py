"""A finding as a row of the list, and all about it in the pane beside."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from maw.memory.triage import Item
from maw.review.fold import broken
from maw.review.render import Line, finding_lines
from maw.text import one_line
from maw.times import age, ago
from maw_tui.widgets.page import Page

UNREADABLE = Line((("dim", "  a finding that cannot be read"),))
STATUSES = {"open": "plain", "accepted": "good", "fixed": "good", "dismissed": "dim", "deferred": "mark"}


class About(Page):
    """All about the finding under the cursor, broken into lines that fit."""

    def __init__(self) -> None:
        super().__init__(id="finding")
        self._whole: list[Line] = []

    def tell(self, lines: list[Line]) -> None:
        self._whole = lines
        self.on_resize()

    def on_resize(self) -> None:
        self.show([part for line in self._whole for part in broken(line, self.room)])


def heading(width: int) -> str:
    """What the columns of `row` are."""
    return f"  {'severity':<8} {'said':<9}  age {'where':<{_room(width)}} finding"


def _room(width: int) -> int:
    return 24 if width < 100 else 36


def row(item: Item, width: int, now: float, *, selected: bool) -> Line:
    """Severity, what was said, age, place and title."""
    found, said = item.finding, item.word.status
    where = one_line(f"{found.path}:{found.line}")
    room = _room(width)
    where = where if cell_len(where) <= room else "…" + where[-(room - 1) :]
    return Line(
        (
            ("mark", "● " if selected else "  "),
            (found.severity, f"{found.severity:<8} "),
            (STATUSES.get(said, "dim"), f"{one_line(said)[:9]:<9} "),
            ("dim", f"{age(now - item.row.time / 1000):>4} "),
            ("path", set_cell_size(where, room) + " "),
            ("plain", one_line(found.title) or one_line(found.category)),
        )
    )


def about(item: Item, now: float) -> list[Line]:
    """All about a finding: what it says, where it was found, and what was said of it."""
    row, word = item.row, item.word
    said = word.status + (f" by {word.by}" if word.by else "") + (f": {word.reason}" if word.reason else "")
    where = f"{row.commit[:10]} {row.subject or '(this commit is gone)'}"
    who = f"{row.author.partition(' <')[0] or '?'}, reviewed {ago(now - row.time / 1000)} by {row.model or '?'}"
    style = STATUSES.get(word.status, "dim")
    return [
        Line(
            (("path", one_line(f"{item.finding.path}:{item.finding.line}")), ("plain", "  "), (style, one_line(said)))
        ),
        *finding_lines(item.finding),
        Line(()),
        Line((("dim", "  found in "), ("commit", one_line(where)))),
        Line((("dim", f"  {one_line(who)}"),)),
    ]
