"""A dialog that finds files and folders by a few of their letters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from maw.generate import targets
from maw.generate.targets import Target
from maw.review.render import Line
from maw.text import flat
from maw_tui.fuzzy import rank
from maw_tui.widgets.rows import Rows
from maw_tui.work import Working

NEW = "new file "


class Finder(Working, ModalScreen[list[str] | None]):
    """The chosen paths, None when it was left. `files` lists those of the repository, in a thread; folders are among
    what is found, with a slash at the end, and so is, where there may be `new` ones, a file that is yet to be made, by
    its whole name. What stands behind the letters as `::NAME` or `:3-9` is a definition or lines in what is found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("enter", "done", "Take", priority=True),
        Binding("tab,ctrl+space", "mark", "Mark", priority=True),
        Binding("down,ctrl+n", "move(1)", "Down", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False, priority=True),
    ]

    def __init__(self, files: Callable[[], Sequence[str]], chosen: Collection[str] = (), *, new: bool = True) -> None:
        super().__init__()
        self._files, self._new = files, new
        self._known: list[str] = []
        self._names: frozenset[str] = frozenset()
        self._chosen = dict.fromkeys(chosen)
        self._found: list[str] = []
        self._letters: str | None = None  # what they were found by
        self._marked: str | None = None  # by which letters something was last marked, or no longer

    def compose(self) -> ComposeResult:
        with Vertical(id="finder"):
            yield Input(placeholder="letters of a path, also PATH::NAME or PATH:3-9", compact=True)
            yield Rows(self._draw, id="finder-rows")
            yield Static(id="finder-told", markup=False)

    def on_mount(self) -> None:
        self._listing = asyncio.ensure_future(asyncio.to_thread(self._files))
        self.look()

    @on(Input.Changed)
    @work(exclusive=True, exit_on_error=False, group="look")
    async def look(self) -> None:
        await self._find()

    async def _find(self) -> None:
        """Have the list be that of the letters: who types and takes at once means what they will find."""
        files = await asyncio.shield(self._listing)
        if not self._known:
            self._known = [*_folders(files), *files]
            self._names = frozenset(self._known)
        letters = self.query_one(Input).value
        if letters == self._letters:
            return
        target = targets.parse(letters.strip())
        inside = letters.strip().removeprefix(target.path)
        paths = [path for path in self._known if path[-1:] != "/"] if inside else self._known
        found = await asyncio.to_thread(rank, paths, target.path)  # there may be 100,000 files
        if not self.is_attached:  # left meanwhile
            return
        marked = [] if letters.strip() else list(self._chosen)  # in sight, to be taken away again
        self._found = [*marked, *(path + inside for path in found if path not in marked)]
        self._letters = letters
        if self._is_new(letters.strip()):
            self._found.append(f"{NEW}{letters.strip()}")
        self.query_one(Rows).show(len(self._found))
        self._tell()

    def _is_new(self, path: str) -> bool:
        """Whether it may name a file that is to be made."""
        whole = bool(path) and not path.endswith("/") and path == os.path.normpath(path)
        return self._new and whole and path not in self._names and targets.parse(path) == Target(path)

    def _draw(self, row: int, width: int) -> Line:
        path = self._found[row]
        mark = "[x] " if self._path(row) in self._chosen else "    "
        return Line((("mark", mark), ("path" if path.endswith("/") else "plain", flat(path))))

    def _path(self, row: int) -> str:
        return self._found[row].removeprefix(NEW)

    def _tell(self, told: str = "") -> None:
        told = told or (f"{len(self._chosen)} marked" if self._chosen else f"{len(self._names):,} files and folders")
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
        self._marked = (self._letters or "").strip()
        if path in self._chosen:
            del self._chosen[path]
        else:
            self._chosen[path] = None
        rows.refresh()
        self.action_move(1)
        self._tell()

    @on(Rows.Chosen)
    async def action_done(self) -> None:
        """Take what is marked, and what the cursor is on, unless something was marked by the same letters."""
        await self._find()
        letters = (self._letters or "").strip()
        here = self._marked != letters if letters else self._marked is None and not self._chosen
        if here and not self._found:
            self._tell("no path has these letters")
            return
        found = [self._path(self.query_one(Rows).cursor)] if here else []
        self.dismiss(list(dict.fromkeys([*self._chosen, *found])))


def _folders(paths: Sequence[str]) -> list[str]:
    """All folders that have files in them, each with a slash at the end."""
    found: dict[str, None] = {}
    for path in paths:
        at = path.find("/")
        while at >= 0:
            found[path[: at + 1]] = None
            at = path.find("/", at + 1)
    return sorted(found)
