"""The entry: `maw tui` calls `run`."""

from __future__ import annotations

import sys

from maw import errors
from maw.config.load import load
from maw.git.repo import Repo
from maw_tui.app import MawApp

_TURN = 0.001  # seconds that a busy worker may keep the screen's thread waiting; Python's own 0.005 add up


def run(repo: Repo | None, *, screen: str | None = None) -> int:
    """Run the UI in this terminal until it is left; the exit code. Raises FatalError for bad settings."""
    app = MawApp(repo, load(worktree=repo.worktree if repo else None), screen=screen)
    sys.setswitchinterval(_TURN)
    app.run()
    if app.return_code and app.unexpected is not None:
        raise app.unexpected
    return errors.PASS
