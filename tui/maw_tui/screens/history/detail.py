"""All about one commit: its records, then its diff with the findings at their lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.worker import get_current_worker

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.git.run import GitError
from maw.review.annotate import Diff, Shown
from maw.review.fold import broken
from maw.review.render import Line
from maw_tui.highlight import paint
from maw_tui.messages import Told
from maw_tui.screens.history import reading
from maw_tui.screens.history.reading import Commit
from maw_tui.widgets.rows import Rows
from maw_tui.widgets.vi import SIDEWAYS
from maw_tui.work import Working

RESTING = 0.08  # seconds on a commit before all about it is read
SIDE_BY_SIDE = 120  # columns from which old and new stand beside each other


class Detail(Working, Rows):
    """Lines with a cursor: what is under it can be copied and opened in the editor."""

    goes_along = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *SIDEWAYS,
        Binding("n", "jump('finding', 1)", "Next finding", tooltip="Next finding"),
        Binding("N", "jump('finding', -1)", "Previous finding", show=False),
        Binding("right_square_bracket", "jump('file', 1)", "Next file", show=False),
        Binding("left_square_bracket", "jump('file', -1)", "Previous file", show=False),
    ]

    @dataclass
    class Opened(Message):
        """All about a commit."""

        commit: Commit
        lines: list[Shown]
        columns: int  # that they are laid out for
        finding: str | None = None  # the id of that which was asked for

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(self._draw_line, id="history-commit")
        self._now = now
        self._beside: bool | None = None
        self._laid_out_for = 0  # columns
        self._has = dict.fromkeys(_BEGINS, False)  # what can be gone to
        self.commit: Commit | None = None
        self.lines: list[Shown] = []

    @property
    def here(self) -> Shown | None:
        """The line under the cursor."""
        return self.lines[self.cursor] if self.cursor < len(self.lines) else None

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def read(self, repo: Repo, oid: str, rest: float = 0.0, finding: str | None = None) -> None:
        """Show a commit, at a finding, unless another one is asked for within `rest` seconds."""
        time.sleep(rest)
        if not get_current_worker().is_cancelled:
            self._open(repo, oid, finding)

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def read_neighbour(self, repo: Repo, oid: str, which: str) -> None:
        try:
            found = reading.child(repo, oid) if which == "child" else next(iter(reading.parents(repo, oid)), None)
        except GitError:
            found = None
        if found is None:
            raise FatalError(f"{oid[:10]} has no {which}" + (" on the way to HEAD" if which == "child" else ""))
        self._open(repo, found)

    def _open(self, repo: Repo, oid: str, finding: str | None = None) -> None:
        """Of a worker."""
        self._show(reading.commit(repo, oid, self._now()), finding)

    def _show(self, commit: Commit, finding: str | None = None) -> None:
        """Of a worker."""
        columns = self._columns
        lines = lines_of(commit, columns, beside=self._beside)
        if not get_current_worker().is_cancelled:
            self.post_message(self.Opened(commit, lines, columns, finding))

    @on(Opened)
    def opened(self, event: Opened) -> None:
        self._laid_out_for = event.columns
        self.fill(event.commit, event.lines)
        if event.finding is not None:
            self.action_first()
            self.jump(lambda shown: shown.finding is not None and shown.finding.id == event.finding, 1)
        self.on_resize()  # it may have got other columns meanwhile

    @property
    def _columns(self) -> int:
        """What there is room for; as yet, when it is only about to be shown."""
        return self.room or self.screen.size.width - self.styles.scrollbar_size_vertical

    def read_again(self, repo: Repo) -> None:
        if self.commit is not None:
            self.read(repo, self.commit.oid, RESTING)

    def on_resize(self) -> None:
        if self.commit is not None and self.room not in (0, self._laid_out_for):
            self._lay_out(self.commit, RESTING)

    @work(thread=True, exclusive=True, exit_on_error=False, group="commit")
    def _lay_out(self, commit: Commit, rest: float = 0.0) -> None:
        """The same in other columns."""
        time.sleep(rest)
        if not get_current_worker().is_cancelled:
            self._show(commit)

    def switch_columns(self) -> None:
        """Old and new beside each other, or no longer."""
        now = self._beside if self._beside is not None else self._columns >= SIDE_BY_SIDE
        self._beside = not now
        if self.commit is not None:
            self._lay_out(self.commit)

    def fill(self, commit: Commit | None, lines: list[Shown]) -> None:
        """Show a commit, with the place kept when it is the same one."""
        same = commit is not None and self.commit is not None and commit.oid == self.commit.oid
        here = self.here
        self.commit, self.lines = commit, lines
        cursor = self._place_of(here) if same and here is not None else 0
        if not same:
            self.scroll_to(0, 0, animate=False, immediate=True, force=True)
        self._has = {what: any(map(begins, lines)) for what, begins in _BEGINS.items()}
        self.show(len(lines), cursor=cursor, width=max((cell_len(shown.line.text) for shown in lines), default=0))
        if same:
            self._have_in_sight()

    def _place_of(self, shown: Shown) -> int:
        """Where a line is now, which may be laid out otherwise; else where the cursor is."""
        wanted = (shown.path, shown.number, shown.finding)
        return next(
            (
                at
                for at, line in enumerate(self.lines)
                if shown.path and (line.path, line.number, line.finding) == wanted
            ),
            self.cursor,
        )

    def _have_in_sight(self) -> None:
        """All of the finding under the cursor: what was said of it stands last."""
        here = self.here.finding if self.here is not None else None
        end = self.cursor
        while here is not None and end + 1 < self.count and self.lines[end + 1].finding == here:
            end += 1
        if end - self.cursor < self.size.height:
            self.scroll_to_region(Region(self.scroll_offset.x, self.cursor, 1, end - self.cursor + 1), animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing more can be opened here, and only what is there can be gone to."""
        return self._has[str(parameters[0])] if action == "jump" else action != "choose"

    def action_jump(self, what: str, direction: int) -> None:
        """To the next or previous line on which a finding, or a file, begins."""
        if not self.jump(_BEGINS[what], direction):
            self.post_message(Told(f"no {what} {'below' if direction > 0 else 'above'}"))

    def jump(self, wanted: Callable[[Shown], object], direction: int) -> bool:
        places = range(self.cursor + 1, len(self.lines)) if direction > 0 else range(self.cursor - 1, -1, -1)
        found = next((at for at in places if wanted(self.lines[at])), None)
        if found is not None:
            self.move_to(found)
            self.scroll_to(y=found - self.size.height // 3, animate=False, force=True)  # what belongs to it is below
        return found is not None

    def _draw_line(self, number: int, width: int) -> Line:
        return self.lines[number].line


_BEGINS: dict[str, Callable[[Shown], object]] = {
    "finding": lambda shown: shown.begins and shown.finding is not None,
    "file": lambda shown: shown.begins and shown.finding is None,
}


def lines_of(commit: Commit, width: int, *, beside: bool | None = None) -> list[Shown]:
    """All about a commit for so many columns; `beside`: old and new beside each other, None: if there is room."""
    diff = Diff(commit.files, commit.findings, commit.said, paint)
    if beside if beside is not None else width >= SIDE_BY_SIDE:
        changes = diff.side_by_side(width)
    else:
        changes = diff.unified()
    head = [Shown(line) for line in commit.head]
    note = [Shown(Line((("mark", commit.note),)))] if commit.note else []
    whole = [*head, *commit.records, Shown(Line(())), *note, *changes]
    return [part for shown in whole for part in _broken(shown, width)]


def _broken(shown: Shown, width: int) -> list[Shown]:
    """Prose in lines that fit, of findings in the diff, too; code stays as it is."""
    if shown.path and shown.finding is None:
        return [shown]
    first, *others = broken(shown.line, width)
    return [shown._replace(line=first), *(shown._replace(line=line, begins=False) for line in others)]
