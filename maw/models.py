"""Steer a node's models: load, unload, pin. Answers are api.Model, as JSON.

All raise NodeError and ApiError.
"""

from __future__ import annotations

from urllib.parse import quote

from maw import answers, api
from maw.answers import Json

LOAD_TIMEOUT = 600.0  # seconds; 20 GB from a cold disk


def load(node: str, name: str, keep_alive: float | None = None) -> Json:
    """Returns when it is loaded. `keep_alive`: seconds that it stays once it idles; None: as the node is set."""
    body = {"v": 1, "keep_alive": keep_alive}
    return answers.ask(node, "POST", path(name, "load"), api.Model, body, timeout=LOAD_TIMEOUT)


def unload(node: str, name: str) -> Json:
    """End its worker. What it was doing is tried again later."""
    return answers.ask(node, "POST", path(name, "unload"), api.Model)


def pin(node: str, name: str, *, pinned: bool = True) -> Json:
    """Keep it loaded however long it idles, or no longer. It does not load it."""
    return answers.ask(node, "POST", path(name, "pin"), api.Model, {"v": 1, "pinned": pinned})


def path(name: str, verb: str = "") -> str:
    """Where the API has a model."""
    return f"/api/v1/models/{quote(name, safe='')}" + (f"/{verb}" if verb else "")
