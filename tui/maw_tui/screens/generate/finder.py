"""A dialog that finds files and folders by a few of their letters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from maw.review.render import Line
from maw.text import flat
from maw_tui.fuzzy import rank
from maw_tui.widgets.rows import Rows

NEW = "new file "


class Finder(ModalScreen[list[str] | None]):
    """The chosen paths, None when it was left. `known`: the files of the repository; folders are among what is found,
    with a slash at the end, and so is a file that is yet to be made, by its whole name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("enter", "done", "Take", priority=True),
        Binding("tab,ctrl+space", "mark", "Mark", priority=True),
        Binding("down,ctrl+n", "move(1)", "Down", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False, priority=True),
    ]

    def __init__(self, known: Sequence[str], chosen: Collection[str] = ()) -> None:
        super().__init__()
        self._known = [*_folders(known), *known]
        self._names = frozenset(self._known)
        self._chosen = dict.fromkeys(chosen)
        self._found: list[str] = []
        self._letters: str | None = None  # what they were found by

    def compose(self) -> ComposeResult:
        with Vertical(id="finder"):
            yield Input(placeholder="letters of a path; tab marks, enter takes", id="finder-input")
            yield Rows(self._draw, id="finder-rows")
            yield Static(id="finder-told", markup=False)

    def on_mount(self) -> None:
        self.look()

    @on(Input.Changed)
    @work(exclusive=True, exit_on_error=False, group="look")
    async def look(self) -> None:
        await self._find()

    async def _find(self) -> None:
        """Have the list be that of the letters: who types and takes at once means what they will find."""
        letters = self.query_one(Input).value
        if letters == self._letters:
            return
        found = await asyncio.to_thread(rank, self._known, letters)  # there may be 100,000 files
        self._found, self._letters = found, letters
        if self._is_new(letters.strip()):
            self._found.append(f"{NEW}{letters.strip()}")
        self.query_one(Rows).show(len(self._found))
        self._tell()

    def _is_new(self, path: str) -> bool:
        """Whether it may name a file that is to be made."""
        return bool(path) and path not in self._names and not path.endswith("/") and path == os.path.normpath(path)

    def _draw(self, row: int, width: int) -> Line:
        path = self._found[row]
        mark = "[x] " if self._path(row) in self._chosen else "    "
        return Line((("mark", mark), ("path" if path.endswith("/") else "plain", flat(path))))

    def _path(self, row: int) -> str:
        return self._found[row].removeprefix(NEW)

    def _tell(self) -> None:
        told = f"{len(self._chosen)} marked" if self._chosen else f"{len(self._names):,} files and folders"
        self.query_one("#finder-told", Static).update(f"{told} · tab mark · enter take · esc leave")

    def action_move(self, step: int) -> None:
        rows = self.query_one(Rows)
        rows.move_to(rows.cursor + step)

    async def action_mark(self) -> None:
        """Mark the path under the cursor, or no longer."""
        await self._find()
        rows = self.query_one(Rows)
        if not self._found:
            return
        path = self._path(rows.cursor)
        if path in self._chosen:
            del self._chosen[path]
        else:
            self._chosen[path] = None
        rows.refresh()
        self.action_move(1)
        self._tell()

    @on(Rows.Chosen)
    async def action_done(self) -> None:
        """Take what is marked; where nothing is, what the cursor is on."""
        await self._find()
        rows = self.query_one(Rows)
        here = [self._path(rows.cursor)] if self._found and not self._chosen else []
        self.dismiss([*self._chosen, *here])


def _folders(paths: Sequence[str]) -> list[str]:
    """All folders that have files in them, each with a slash at the end."""
    found: dict[str, None] = {}
    for path in paths:
        at = path.find("/")
        while at >= 0:
            found[path[: at + 1]] = None
            at = path.find("/", at + 1)
    return sorted(found)
