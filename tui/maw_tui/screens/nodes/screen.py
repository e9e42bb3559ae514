"""Look at the nodes and their models; load, unload and pin."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from maw import models
from maw.answers import Json
from maw.errors import FatalError, NodeError
from maw.watch import gauges
from maw.watch.board import Picture
from maw.watch.gauges import Gauges
from maw_tui.messages import Told
from maw_tui.screens.live import LiveScreen
from maw_tui.screens.nodes import words
from maw_tui.screens.nodes.items import Item, items, key
from maw_tui.widgets.pane import Pane
from maw_tui.widgets.rows import Rows

READ_EVERY = 2  # seconds between two looks at a node's memory


@dataclass
class GaugesRead(Message):
    """`found` is None when the node cannot be asked now; why, its line says."""

    node: str
    found: Gauges | None


class NodesScreen(LiveScreen):
    NAME = "Nodes"
    ABOUT = "What each node has loaded, what it takes of the memory, and how busy it is."
    PARTS = (Rows,)
    ENTER = "A node's tasks; load the model"
    ON_ROW = frozenset({"load", "unload", "pin"})
    CSS_PATH = "../live.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "load", "Load", tooltip="Load the model"),
        Binding("u", "unload", "Unload", tooltip="End the model's worker; what it was doing is tried again later"),
        Binding("p", "pin", "Pin", tooltip="Keep the model loaded however long it idles, or no longer"),
        Binding("a", "everything", "All", tooltip="Also the models that could be had, or no longer"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Item] = []
        self._gauges: dict[str, Gauges] = {}
        self._asked: set[str] = set()
        self._loading: dict[str, float] = {}  # when it was first seen that a model was being loaded
        self._everything = False
        self._given_up: set[str] = set()  # whose loading was

    def body(self) -> ComposeResult:
        with Container(id="nodes-screen"):
            with Container(id="models"):
                yield Pane(id="heading")
                yield Rows(lambda number, width: words.row(self.items[number], width), id="rows")
            yield Pane(id="gauges")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    def reload(self) -> None:
        super().reload()
        self._read_all()

    def tick(self, second: int) -> None:
        if second % READ_EVERY == 0 or self._loading:
            self._read_all()
        if self._loading:
            self.paint()
        else:
            self._paint_panel()

    def painted(self, pictures: list[Picture]) -> None:
        now, rows = time.monotonic(), self.query_one(Rows)
        loading = {key: now - since for key, since in self._loading.items()}
        self.items = items(pictures, self._gauges, loading, everything=self._everything)
        self.query_one("#heading", Pane).show([words.heading(rows.size.width)])
        rows.renew([item.key for item in self.items])

    @on(Rows.Moved)
    def moved(self) -> None:
        self._paint_panel()
        self.offer()

    def _paint_panel(self) -> None:
        pane, item = self.query_one("#gauges", Pane), self._current()
        if pane.display and pane.size.width:
            series = self.maw.live.series(item.node) if item else []
            pane.show(words.panel(item, series, pane.size.width))

    def _current(self) -> Item | None:
        cursor = self.query_one(Rows).cursor
        return self.items[cursor] if cursor < len(self.items) else None

    # Memory and models, asked for while the screen is in front.

    def _read_all(self) -> None:
        for node in self.maw.live.nodes:
            if node not in self._asked:
                self._asked.add(node)
                self.read(node)

    @work(thread=True, exit_on_error=False, group="gauges")
    def read(self, node: str) -> None:
        found = None
        try:
            found = gauges.read(node)
        except NodeError:
            pass  # the node's own line says why
        finally:
            self.post_message(GaugesRead(node, found))

    @on(GaugesRead)
    def gauges_read(self, event: GaugesRead) -> None:
        self._asked.discard(event.node)
        if event.found is None:
            self._gauges.pop(event.node, None)
        else:
            self._gauges[event.node] = event.found
        self._note_loading(event.node)
        if self.app.screen is self:
            self.paint()

    def _note_loading(self, node: str) -> None:
        found = self._gauges.get(node)
        now = {key(node, model.name) for model in found.status.models if model.state == "loading"} if found else set()
        others = {one: since for one, since in self._loading.items() if not one.startswith(key(node, ""))}
        self._loading = others | {one: self._loading.get(one, time.monotonic()) for one in now}

    # What can be done.

    def offers(self) -> set[str]:
        """To load one that could be had says how to get it."""
        item = self._current()
        if item is None or item.model is None:
            return set()
        state = item.model.state
        return (
            ({"load"} if state != "loaded" else set())
            | ({"unload"} if state in ("loaded", "loading") else set())
            | ({"pin"} if state != "available" else set())
        )

    def action_everything(self) -> None:
        self._everything = not self._everything
        self.paint()

    def action_load(self) -> None:
        item = self._current()
        if item is not None and item.model is not None and item.model.state == "loading":
            self.tell(f"{item.model.name} is being loaded (u gives that up)")
        else:
            self._given_up.discard(item.key if item is not None else "")
            self._steer(models.load, "is being loaded")

    def action_unload(self) -> None:
        item = self._current()
        if item is not None and item.model is not None and item.model.state == "loading":
            self._given_up.add(item.key)
        self._steer(models.unload, "is being unloaded")

    def action_pin(self) -> None:
        item = self._current()
        pinned = bool(item and item.model and item.model.pinned)
        done = ", no longer pinned" if pinned else ", pinned"
        self._steer(lambda node, name: models.pin(node, name, pinned=not pinned), "", done)

    @on(Rows.Chosen)
    def chosen(self) -> None:
        """Load a model; of a node, show the tasks."""
        item = self._current()
        if item is not None and item.model is None:
            self.maw.open_queue(item.node if len(self.maw.live.nodes) > 1 else "")
        elif item is not None and item.model is not None and item.model.state != "loaded":
            self.action_load()

    def _steer(self, ask: Callable[[str, str], Json], begun: str, done: str = "") -> None:
        self.query_one(Rows).hold()
        item = self._current()
        if item is None or item.model is None:
            self.tell("there is no model under the cursor")
            return
        if begun:
            self.tell(f"{item.model.name} {begun}")
        self._ask(item.node, item.model.name, ask, done)

    @work(thread=True, exit_on_error=False, group="steer")
    def _ask(self, node: str, name: str, ask: Callable[[str, str], Json], done: str) -> None:
        """Ask the node, and tell what it answers; a load's answer comes when it has ended."""
        try:
            told = f"{name}: {ask(node, name)['state']}{done}"
        except FatalError as exc:
            if key(node, name) not in self._given_up:
                if name in exc.message:
                    raise
                raise FatalError(f"{name}: {exc.message}", hint=exc.hint) from exc
        if key(node, name) in self._given_up:
            told = f"{name}: loading it was given up"
        self.post_message(Told(told))
        self.read(node)
