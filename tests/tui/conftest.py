"""The real app, driven by keys. A test is a plain function that hands a coroutine to `tui`:

def test_it(tui, repo):
    async def scenario(ui):
        await ui.press("3")
        await ui.until(lambda: ui.has("queued"))

    tui(scenario, repo=repo)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from maw.config.load import load
from maw.git.repo import discover
from maw_tui.app import MawApp
from tests.fixtures.git import Repository, make_repository
from tests.tui.picture import lines
from tests.tui.sample import NOW, build

NARROW, WIDE = (80, 24), (160, 48)
PATIENCE = 30.0  # seconds for a condition on a loaded machine


class Ui:
    """The app as a person has it: keys, mouse, and what is on the screen."""

    def __init__(self, app: MawApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without blanks at their ends."""
        return lines(self.app)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def has(self, text: str) -> bool:
        return text in self.text

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text, a key a character."""
        await self.pilot.press(*("space" if char == " " else char for char in text))

    async def until(self, condition: Callable[[], Any], what: str = "it") -> None:
        """Wait for a condition; a failure shows the screen."""
        give_up = time.monotonic() + PATIENCE
        await self.pilot.pause()
        while not condition():
            assert time.monotonic() < give_up, f"waited for {what}; the screen:\n{self.text}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def until_has(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        for text in texts:
            await self.until(lambda text=text: self.has(text), repr(text))  # type: ignore[misc]

    async def idle(self) -> None:
        """Wait until no worker runs that ends by itself, and what they told is painted."""
        await self.until(lambda: all(worker.is_finished or worker.group == "follow" for worker in self.app.workers))
        await self.pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)


@pytest.fixture
def sample(home: Path) -> tuple[Repository, dict[str, str]]:
    """The small project with a history of reviews, and its commits by a word."""
    repository = make_repository(home / "amounts")
    return repository, build(repository)


Scenario = Callable[[Ui], Awaitable[None]]
Run = Callable[..., MawApp]


@pytest.fixture
def tui(home: Path) -> Run:
    """Run a scenario in the app and leave it; the app. What no handler expected fails the test."""

    def run(
        scenario: Scenario,
        *,
        repo: Repository | None = None,
        size: tuple[int, int] = NARROW,
        screen: str | None = None,
        defects: bool = False,
    ) -> MawApp:
        app: list[MawApp] = []

        async def go() -> None:
            found = discover(str(repo.path)) if repo is not None else None
            app.append(MawApp(found, load(worktree=found.worktree if found else None), screen=screen, now=lambda: NOW))
            async with app[0].run_test(size=size) as pilot:
                await pilot.pause()
                await scenario(Ui(app[0], pilot))

        asyncio.run(go())
        if app[0].unexpected is not None and not defects:
            raise app[0].unexpected
        return app[0]

    return run
