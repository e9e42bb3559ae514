"""Is maw set up for whoever commits here?"""

from __future__ import annotations

import os

from maw import paths
from maw.config.load import Config, load
from maw.text import one_line

_WHOLE = ("not TOML", "cannot be read", "is not there")  # what load says of a file of which it took nothing
NOT_SET_UP = "not set up for you, so nothing is reviewed; `maw init` does it"


def configuration(worktree: str | None) -> Config | None:
    """The configuration in force; None for a user who never set maw up.

    A repository's .maw.toml alone does not count: the person who cloned it has not chosen a node. A file that
    MAW_CONFIG names does, though it is not there: that is a mistake, which is told.
    """
    config = load(worktree=worktree, strict=False)
    by_file = os.path.exists(paths.config_file()) or paths.config_is_named()
    by_user = by_file or "environment" in config.origins.values()
    return config if by_user else None


def problems(config: Config) -> list[str]:
    """A line for each setting that could not be used, and where none of the file could, what counts instead."""
    lines = [f"warning: {one_line(problem)}" for problem in config.problems]
    unread = any(problem.startswith(f"{paths.config_file()}: {what}") for problem in config.problems for what in _WHOLE)
    return [*lines, f"none of your settings counts: the defaults do, on {config['node']}"] if unread else lines
