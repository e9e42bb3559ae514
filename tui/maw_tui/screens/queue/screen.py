"""Watch the tasks of all nodes; steering.py has what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from maw.git.repo import Repo
from maw.memory import arrivals, listing
from maw.memory.index import Index
from maw.review.render import Line
from maw.watch.board import Picture, Seen
from maw_tui.messages import Told
from maw_tui.screens.queue import words
from maw_tui.screens.queue.entries import Entry, entries, held
from maw_tui.screens.queue.follow import FollowScreen
from maw_tui.screens.queue.steering import OutboxRead, SteeringScreen
from maw_tui.widgets.filterbar import FilterBar
from maw_tui.widgets.pane import Pane
from maw_tui.widgets.rows import Rows

OUTBOX_EVERY = 5  # seconds between two looks into the outbox


@dataclass
class Traced(Message):
    """The commit that has what came of a task; None where no commit of this repository has."""

    seen: Seen
    commit: str | None


class QueueScreen(SteeringScreen):
    NAME = "Queue"
    ABOUT = "What the nodes do, what waits for them, and what became of it."
    PARTS = (Rows,)
    ENTER = "The commit of what has ended or waits in the outbox, else follow the task"
    ON_ROW = frozenset({"follow", "cancel", "cancel_all", "retry", "prioritise"})
    CSS_PATH = "../live.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", tooltip="Follow a task: all that it told, and what comes"),
        Binding("c", "cancel", "Cancel", tooltip="Cancel a task; take a review out of the outbox"),
        Binding(
            "C", "cancel_all", "Cancel for all", show=False, tooltip="Cancel a task although somebody else waits for it"
        ),
        Binding("t", "retry", "Try again", tooltip="Do an ended task again; send what is in the outbox now"),
        Binding("p", "prioritise", "Sooner", tooltip="Let a task overtake; again: even more"),
        Binding("slash", "filter", "Filter", tooltip="Show only what has these words"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._waiting: list[Entry] = []
        self._several = False  # nodes: then each row names its own
        self._pictures: list[Picture] = []
        self._told = 0  # lines about them
        self._wanted = self.maw.remembered.filter("queue")

    def body(self) -> ComposeResult:
        yield Pane(id="nodes")
        with Container(id="queue"):
            with Container(id="tasks"):
                yield Pane(id="heading")
                yield Rows(self._row, id="rows")
            yield Pane(id="detail")
        yield FilterBar(self._wanted, "words to look for")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    def reload(self) -> None:
        super().reload()
        self.read_outbox()

    def tick(self, second: int) -> None:
        if second % OUTBOX_EVERY == 0:
            self.read_outbox()

    @work(thread=True, exclusive=True, exit_on_error=False, group="outbox")
    def read_outbox(self) -> None:
        if self.maw.repo is not None:
            self.post_message(OutboxRead(held(self.maw.repo)))

    @on(OutboxRead)
    def outbox_read(self, event: OutboxRead) -> None:
        if event.waiting != self._waiting:
            self._waiting = event.waiting
            self.paint()

    # What is shown.

    def painted(self, pictures: list[Picture]) -> None:
        self._pictures = pictures
        rows = self.query_one(Rows)
        self.entries = entries(pictures, self._waiting, self._wanted)
        self._several = len(pictures) > 1
        self._show_nodes(words.nodes_lines(pictures, self.size.width))
        self.query_one("#heading", Pane).show([words.heading(rows.size.width, several=self._several)])
        rows.renew([entry.key for entry in self.entries], words.empty(pictures, self._wanted))

    def _show_nodes(self, lines: list[Line]) -> None:
        pane = self.query_one("#nodes", Pane)
        if len(lines) != self._told:
            self._told = len(lines)
            pane.styles.height = len(lines)
        pane.show(lines)

    def _row(self, number: int, width: int) -> Line | None:
        return words.row(self.entries[number], width, self.maw.now(), several=self._several)

    @on(Rows.Moved)
    def show_detail(self) -> None:
        entry, pane = self._current(), self.query_one("#detail", Pane)
        width, height = pane.size
        if width and entry is not None:
            pane.show(words.detail(entry, width, height))
        elif width:
            pane.show(words.nothing(self._pictures, self._wanted, width))
        self.offer()

    def _current(self) -> Entry | None:
        cursor = self.query_one(Rows).cursor
        return self.entries[cursor] if cursor < len(self.entries) else None

    # The filter.

    def show_only(self, wanted: str) -> None:
        """Filter by these words, as if they were typed."""
        self.query_one(FilterBar).value = wanted

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    @on(FilterBar.Asked)
    def filter_by(self, event: FilterBar.Asked) -> None:
        event.stop()
        self._wanted = event.text
        self.paint()
        if event.kept:
            self.maw.remember(self.maw.remembered.filtered("queue", self._wanted))
            self.query_one(Rows).focus()

    # What can be done.

    def offers(self) -> set[str]:
        entry = self._current()
        if entry is None:
            return set()
        if entry.task is None:
            return {"cancel", "retry"}
        if not entry.task.live:
            return {"follow", "retry"}
        return {"follow", "cancel", "cancel_all"} | ({"prioritise"} if entry.task.task.state == "queued" else set())

    @on(Rows.Chosen)
    def chosen(self) -> None:
        """Open what came of a task that has ended, follow one that has not; of a review in the outbox, its commit."""
        entry = self._meant()
        if entry is not None and entry.waits is not None and entry.waits.commit:
            self.maw.open_commit(entry.waits.commit)
            return
        seen = self._task_here()
        if seen is not None and not seen.live and self.maw.repo is not None:
            self._trace(self.maw.repo, seen)
        else:
            self.action_follow()

    @work(thread=True, exclusive=True, exit_on_error=False, group="trace")
    def _trace(self, repo: Repo, seen: Seen) -> None:
        def told(text: str) -> None:
            self.post_message(Told(text, error=True))

        arrivals.deliver(repo, told)
        with Index(repo) as index:
            index.refresh()
            self.post_message(Traced(seen, listing.commit_of_task(index, seen.task.id)))

    @on(Traced)
    def traced(self, event: Traced) -> None:
        event.stop()
        if self.app.screen is not self:
            return  # meanwhile somebody went on
        if event.commit is not None:
            self.maw.open_commit(event.commit)
        else:
            self.app.push_screen(FollowScreen(event.seen, "no commit of this repository has it"))
