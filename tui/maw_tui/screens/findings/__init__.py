"""Findings across commits, to be settled: accepted, dismissed, fixed, deferred, several at once, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.worker import get_current_worker

from maw.errors import FatalError
from maw.git.repo import Repo
from maw.memory import arrivals, triage
from maw.memory.dismissals import ACCEPTED, DEFERRED, DISMISSED
from maw.memory.index import Index
from maw.memory.triage import Item
from maw.review.render import Line
from maw.text import count, one_line
from maw_tui import words
from maw_tui.messages import Told
from maw_tui.screens.editing import EditingScreen
from maw_tui.screens.findings import deciding
from maw_tui.screens.findings.dialogs import Patch
from maw_tui.screens.findings.showing import About, about, fits, row
from maw_tui.widgets.filterbar import FilterBar, history_filter
from maw_tui.widgets.question import Question
from maw_tui.widgets.rows import Rows

MOST = 2000  # findings in the list; a filter finds the others
FILTER = "findings"  # what its filter is remembered by
_WHY = "why, for others and for later (may be empty)"
_KEYS = "enter dismisses, esc leaves it as it is"


class FindingsScreen(EditingScreen):
    NAME = "Findings"
    ABOUT = "What reviews found, newest first, each once. What is said of a finding is a note at once."
    PARTS = (Rows,)
    CSS_PATH = "findings.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept", tooltip="It is right"),
        Binding("d", "dismiss_them", "Dismiss", tooltip="It is wrong; a reason is asked for"),
        Binding("f", "fix", "Fix", tooltip="Show its replacement as a patch, and apply it"),
        Binding("m", "defer", "Later", tooltip="Mark it for later"),
        Binding("u", "undo", "Undo", tooltip="Take back the last decision, of all findings it was about"),
        Binding("space", "select", "Select", tooltip="Select it: decisions are about all that are selected"),
        Binding("A", "select_all", "Select all", show=False, tooltip="Select all in the list, or none"),
        Binding("slash", "filter", "Filter", tooltip="Filter: status:open severity:error path:src/ some words"),
        Binding("e", "edit", "Edit", show=False, tooltip="Open $EDITOR at its line"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy where it is, what it says, and its id"),
    ]

    @dataclass
    class Listed(Message):
        items: list[Item]
        more: bool

    @dataclass
    class Decided(Message):
        """A decision was noted; `count` of them are what `u` takes back."""

        said: str
        count: int

    @dataclass
    class Prepared(Message):
        ids: list[str]
        patch: str

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Item] = []
        self.selected: set[str] = set()
        self._decisions: list[int] = []  # of how many findings each was

    @property
    def rows(self) -> Rows:
        return self.query_one(Rows)

    def body(self) -> ComposeResult:
        yield history_filter(self.maw.remembered.filter(FILTER), of_findings=True)
        with Container(id="findings"):
            yield Rows(self._draw, id="finding-rows")
            yield About()

    def on_mount(self) -> None:
        self.rows.focus()

    # The list

    def reload(self) -> None:
        if self.repo is None:
            self.tell("this is not a git repository: findings need one (start maw tui in one, or with --repo)")
        else:
            self.read_items(self.repo, self.query_one(FilterBar).value, fresh=True)

    @work(thread=True, exclusive=True, exit_on_error=False, group="rows")
    def read_items(self, repo: Repo, text: str, *, fresh: bool) -> None:
        asked = words.read(text, repo, of_findings=True)
        with Index(repo) as index:
            if fresh:
                arrivals.deliver(repo, self.complain)
                index.refresh()
            reviews = triage.numbers(index, asked.filters)
            found = triage.items(index, reviews, triage.words(index), asked.filters.severity)
            items = list(islice((item for item in found if fits(item, asked)), MOST + 1))
        if not get_current_worker().is_cancelled:
            self.post_message(self.Listed(items[:MOST], len(items) > MOST))

    def complain(self, text: str) -> None:
        """Tell what went wrong in a worker."""
        self.post_message(Told(text, error=True))

    @on(Listed)
    def show_items(self, event: Listed) -> None:
        here = self.current
        self.items = event.items
        self.selected &= {item.finding.id for item in self.items}
        places = {item.finding.id: at for at, item in enumerate(self.items)}
        cursor = places.get(here.finding.id, self.rows.cursor) if here is not None else 0
        filtered = bool(self.query_one(FilterBar).value)
        empty = "no finding that fits" if filtered else "nothing was found yet"
        self.rows.show(len(self.items), cursor=cursor, empty=empty)
        if event.more:
            self.tell(f"the newest {MOST:,}; a filter finds the others")

    def _draw(self, number: int, width: int) -> Line:
        item = self.items[number]
        return row(item, width, self.maw.now(), selected=item.finding.id in self.selected)

    @property
    def current(self) -> Item | None:
        return self.items[self.rows.cursor] if self.rows.cursor < len(self.items) else None

    @on(Rows.Moved, "#finding-rows")
    def show_item(self, event: Rows.Moved) -> None:
        event.stop()
        item = self.current
        self.query_one(About).tell(about(item, self.maw.now()) if item is not None else [])

    @on(Rows.Chosen, "#finding-rows")
    def read_on(self, event: Rows.Chosen) -> None:
        event.stop()
        self.query_one(About).focus()

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        if self.repo is not None:
            self.tell("")
            self.read_items(self.repo, event.text, fresh=False)
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered(FILTER, event.text))
            self.rows.focus()

    # Decisions

    @property
    def meant(self) -> list[Item]:
        """What a key is about: all that are selected, else the one under the cursor."""
        chosen = [item for item in self.items if item.finding.id in self.selected]
        return chosen or ([self.current] if self.current is not None else [])

    def decide(self, status: str, reason: str = "") -> None:
        ids = [item.finding.id for item in self.meant]
        if ids and self.repo is not None:
            self.selected.clear()
            self.say(self.repo, ids, status, reason)

    @work(thread=True, exit_on_error=False, group="decide")
    def say(self, repo: Repo, ids: Sequence[str], status: str, reason: str) -> None:
        done = deciding.say(repo, ids, status, reason, self.complain)
        if done:
            self.post_message(self.Decided(f"{status}: {count(done, 'finding')} (u takes it back)", done))

    @on(Decided)
    def show_decision(self, event: Decided) -> None:
        self.tell(event.said)
        if event.count:
            self._decisions.append(event.count)
        if self.repo is not None:
            self.read_items(self.repo, self.query_one(FilterBar).value, fresh=False)

    def action_accept(self) -> None:
        self.decide(ACCEPTED)

    def action_defer(self) -> None:
        self.decide(DEFERRED)

    def action_dismiss_them(self) -> None:
        meant = self.meant
        if meant:
            what = one_line(meant[0].finding.title) if len(meant) == 1 else count(len(meant), "finding")
            self.app.push_screen(Question(f"Dismiss: {what}", _WHY, _KEYS), self._dismissed)

    def _dismissed(self, reason: str | None) -> None:
        if reason is not None:
            self.decide(DISMISSED, one_line(reason))

    def action_fix(self) -> None:
        ids = [item.finding.id for item in self.meant]
        if ids and self.repo is not None:
            self.prepare(self.repo, ids)

    @work(thread=True, exclusive=True, exit_on_error=False, group="prepare")
    def prepare(self, repo: Repo, ids: list[str]) -> None:
        ready = deciding.prepare(repo, ids)
        self.post_message(self.Prepared(ids, "".join(fix.patch for fix in ready)))

    @on(Prepared)
    def show_patch(self, event: Prepared) -> None:
        def answered(apply: bool | None) -> None:
            if apply and self.repo is not None:
                self.selected.clear()
                self.apply(self.repo, event.ids)

        self.app.push_screen(Patch(event.patch), answered)

    @work(thread=True, exit_on_error=False, group="decide")
    def apply(self, repo: Repo, ids: Sequence[str]) -> None:
        done = deciding.fix(repo, ids, self.complain)
        if done:
            said = f"fixed: {count(done, 'finding')} (u takes back the note, not the change)"
            self.post_message(self.Decided(said, done))

    def action_undo(self) -> None:
        if self.repo is not None:
            self.take_back(self.repo, self._decisions.pop() if self._decisions else 1)

    @work(thread=True, exit_on_error=False, group="decide")
    def take_back(self, repo: Repo, number: int) -> None:
        undone = deciding.undo(repo, number, self.complain)
        if not undone:
            raise FatalError("you have said nothing about findings here")
        self.post_message(self.Decided(f"taken back: what was said of {count(len(undone), 'finding')}", 0))

    # Other keys

    def action_select(self) -> None:
        if self.current is not None:
            self.selected ^= {self.current.finding.id}
            self.rows.refresh_line(self.rows.cursor)
            self.rows.action_cursor_down()

    def action_select_all(self) -> None:
        everything = {item.finding.id for item in self.items}
        self.selected = set() if self.selected == everything else everything
        self.rows.refresh()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        self.tell("")
        self.rows.focus()

    def action_edit(self) -> None:
        if self.repo is not None and self.current is not None:
            self.edit(self.repo, self.current.finding.path, self.current.finding.line)

    def action_copy(self) -> None:
        if self.current is not None:
            found = self.current.finding
            text = one_line(f"{found.path}:{found.line} {found.severity}: {found.title} ({found.id})")
            self.app.copy_to_clipboard(text)
            self.tell(f"copied: {text}")
