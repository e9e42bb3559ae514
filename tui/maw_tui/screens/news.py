"""A screen with what the notes have: whatever comes into them meanwhile is shown by itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from textual import on, work
from textual.message import Message

from maw.git.repo import Repo
from maw.git.run import GitError
from maw.memory.index import current_tips
from maw_tui.screens.editing import EditingScreen

LOOK_EVERY = 5.0  # seconds


class NewsScreen(EditingScreen):
    @dataclass
    class News(Message):
        """The notes are others than before."""

    def __init__(self) -> None:
        super().__init__()
        self._tips: dict[str, str] | None = None  # of the notes

    def on_mount(self) -> None:
        """The first look comes before the first list, so that nothing falls between the two."""
        if self.repo is not None:
            self.look_for_news(self.repo)
        self.set_interval(LOOK_EVERY, self._look)

    def _look(self) -> None:
        if self.repo is not None and self.is_current:
            self.look_for_news(self.repo)

    @work(thread=True, exclusive=True, exit_on_error=False, group="news")
    def look_for_news(self, repo: Repo) -> None:
        """Whether a commit made elsewhere, or a sync, brought records."""
        with contextlib.suppress(GitError):  # nobody asked: whoever does is told
            before, self._tips = self._tips, current_tips(repo)
            if before is not None and self._tips != before:
                self.post_message(self.News())

    @on(News)
    def show_news(self, event: News) -> None:
        event.stop()
        self.reload()
