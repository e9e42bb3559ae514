"""The entry: `maw tui` calls `run`."""

from __future__ import annotations

import asyncio
import signal
import sys

from maw import errors
from maw.config.load import load
from maw.git.repo import Repo
from maw_tui.app import MawApp

_TURN = 0.001  # seconds that a busy worker may keep the screen's thread waiting; Python's own 0.005 add up

_LOOK = 2.0  # seconds between two looks whether the terminal is still there


def run(repo: Repo | None, *, screen: str | None = None) -> int:
    """Run the UI in this terminal until it is left; the exit code. Raises FatalError for bad settings."""
    app = MawApp(repo, load(worktree=repo.worktree if repo else None), screen=screen)
    sys.setswitchinterval(_TURN)
    asyncio.run(_run(app))
    if app.return_code and app.unexpected is not None:
        raise app.unexpected
    return app.return_code or errors.PASS


async def _run(app: MawApp) -> None:
    """Who is told to end leaves the terminal as it was. An interrupt is no such word: it is for an editor that was
    opened, or a key as others."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, app.action_help_quit)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, app.leave, 128 + number)
    watch = asyncio.create_task(_leave_with_the_terminal(app))
    await app.run_async()
    watch.cancel()


async def _leave_with_the_terminal(app: MawApp) -> None:
    """It may go without a word (SIGHUP ignored, another login's terminal); Textual would read its end for ever."""
    while sys.stdin.isatty():
        await asyncio.sleep(_LOOK)
    app.leave(128 + signal.SIGHUP)
