"""The runner's configuration: read when it starts, and again whenever the user's file changes.

What is read is not in force yet: the runner takes it over between two tasks.
"""

from __future__ import annotations

import logging
import os
import time

from maw import paths
from maw.config.load import Config, load

log = logging.getLogger(__name__)

# What is decided when the runner starts; a change of it waits for `maw-runner restart`.
FIXED = ("runner.synchronous",)

Signature = tuple[int, int, int] | None  # None: there is no file


class Configuration:
    """`config` is in force. `problems` are those of the file as it is now; with any, `config` is of before."""

    def __init__(self) -> None:
        self._seen = self._last = signature()  # before the file is read: a change meanwhile is one to come
        self.config = self._first = load(strict=False)
        self.problems = self.config.problems
        self.waiting: Config | None = None
        self.since = time.time()

    def look(self) -> bool:
        """Whether a configuration waits to be taken over. Reads the file when it changed and has come to rest."""
        now = signature()
        rests, self._last = now == self._last, now
        if rests and now != self._seen:
            self._seen = now
            self._read()
        return self.waiting is not None

    def take(self) -> Config | None:
        """What waits, in force from now on."""
        taken, self.waiting = self.waiting, None
        if taken is not None:
            self.config, self.since = taken, time.time()
        return taken

    def fixed(self) -> list[str]:
        """The keys whose change waits for a restart."""
        return [key for key in FIXED if self.config.values[key] != self._first.values[key]]

    def _read(self) -> None:
        found = load(strict=False)
        self.problems = found.problems
        broken = _of_the_file(found)
        for problem in broken:
            log.warning("the settings of before stay in force", extra={"problem": problem})
        self.waiting = found if not broken and _decides(found) != _decides(self.config) else None


def _decides(config: Config) -> tuple[object, object]:
    """What of a configuration a runner goes by."""
    return config.values, config.backends


def signature() -> Signature:
    """What changes when the user's file does."""
    try:
        state = os.stat(paths.config_file())
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def _of_the_file(config: Config) -> list[str]:
    """The problems that editing the file would mend: those of our environment have been there from the start."""
    return [problem for problem in config.problems if problem.startswith(f"{paths.config_file()}: ")]
