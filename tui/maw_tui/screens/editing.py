"""A screen with lines of files, which can be opened in the person's editor."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from textual import on, work
from textual.app import SuspendNotSupported
from textual.message import Message

from maw.errors import FatalError
from maw.git.repo import Repo
from maw_tui import editor
from maw_tui.screens.base import MawScreen


@dataclass
class EditorFound(Message):
    call: editor.Call


class EditingScreen(MawScreen):
    @property
    def repo(self) -> Repo | None:
        return self.maw.repo

    @work(thread=True, exclusive=True, exit_on_error=False, group="edit")
    def edit(self, repo: Repo, path: str, line: int) -> None:
        """Open a file of the work tree; the UI is back when the editor has ended."""
        self.post_message(EditorFound(editor.call(repo, path, line)))

    @on(EditorFound)
    def open_editor(self, event: EditorFound) -> None:
        event.stop()
        try:
            with self.app.suspend():
                code = subprocess.run(event.call.command, cwd=event.call.folder, check=False).returncode
        except (SuspendNotSupported, OSError) as exc:
            self.maw.tell(FatalError(f"the editor cannot be opened: {exc}"))
            return
        if code:
            self.maw.tell(FatalError(f"the editor ended with {code}", hint="git var GIT_EDITOR tells which it is"))
