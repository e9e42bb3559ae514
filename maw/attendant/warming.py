"""Tell a project's node what its next reviews will begin with, so that it is evaluated before the next commit.

Only over what is up already: nothing is started for it, and what fails is no loss.
"""

from __future__ import annotations

import logging
import os
import time

from maw import client, reach
from maw.config.load import Config, load
from maw.errors import FatalError
from maw.git.repo import Repo
from maw.review import request
from maw.review.request import Change

EVERY = 900.0  # seconds between two times that one project is warmed
_TIMEOUT = 5.0  # seconds for all of it: the attendant does not leave before
log = logging.getLogger("maw.attendant")


class Warming:
    """When each project was warmed last."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def due(self, common_dir: str) -> bool:
        """Whether it is time; asking counts as doing it."""
        now = time.monotonic()
        if now - self._last.get(common_dir, -EVERY) < EVERY:
            return False
        self._last[common_dir] = now
        return True


def warm(repo: Repo) -> bool:
    """Have the project's node warm up; whether it said that it does."""
    try:
        config = load(worktree=_worktree(repo.common_dir), strict=False)
        node = str(config["node"])
        if not reach.is_up(node):
            return False
        client.request(node, "POST", "/api/v1/warm", _asked(config), timeout=_TIMEOUT, whole=True)
    except (FatalError, OSError, ValueError) as exc:
        log.info("%s: not warmed: %s", repo.common_dir, exc)
        return False
    return True


def _asked(config: Config) -> dict[str, object]:
    """An api.WarmRequest: of a review's payload what all its prompts share."""
    from maw.secrets.redact import redact  # with detect-secrets: 150 ms

    allow = config["secrets.allow"]
    nothing = Change("", b"", None, None, None, ())
    payload, _ = request.payload(nothing, config, "", lambda data: redact(data, allow))
    return {"v": 1, "kind": "review", "payload": {"v": 1, "rules": payload["rules"]}}


def _worktree(common_dir: str) -> str | None:
    """The main worktree, where .maw.toml lies; None for a bare repository."""
    return os.path.dirname(common_dir) if os.path.basename(common_dir) == ".git" else None
