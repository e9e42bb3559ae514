"""What the UI remembers from one start to the next: <state>/tui.json, {"v","theme","screen","filters"}."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from maw import files, paths

VERSION = 1
TEXT_MAX = 1000  # characters of anything in it
NAMES_MAX = 50


class State(NamedTuple):
    """`theme` and `screen` are names, None where nothing is remembered; `filters` by the name of what is filtered."""

    theme: str | None = None
    screen: str | None = None
    filters: tuple[tuple[str, str], ...] = ()

    def filter(self, name: str) -> str:
        return dict(self.filters).get(name, "")

    def filtered(self, name: str, text: str) -> State:
        """With another filter there."""
        others = {key: value for key, value in self.filters if key != name}
        return self._replace(filters=tuple((others | {name: text[:TEXT_MAX]} if text else others).items()))


def path() -> str:
    return os.path.join(paths.state_dir(), "tui.json")


def load() -> tuple[State, str]:
    """What is remembered, and a line about a file that cannot be used; empty when it can, or when there is none."""
    try:
        raw = files.read_bounded(path())
    except OSError as exc:
        return State(), f"{path()} cannot be read: {exc.strerror}; nothing is remembered"
    if raw is None:
        return State(), ""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or data.get("v") != VERSION:
        return State(), f"{path()} is not what maw writes, so nothing is remembered"
    return _state(data), ""


def save(state: State) -> None:
    """Raises OSError."""
    paths.make_private_dir(paths.state_dir())
    data = {"v": VERSION, "theme": state.theme, "screen": state.screen, "filters": dict(state.filters)}
    files.write_atomic(path(), json.dumps(data, indent=1).encode("ascii"))


def _state(data: dict[str, Any]) -> State:
    filters = data.get("filters")
    items = list(filters.items())[:NAMES_MAX] if isinstance(filters, dict) else []
    return State(
        _name(data.get("theme")),
        _name(data.get("screen")),
        tuple((key[:TEXT_MAX], value[:TEXT_MAX]) for key, value in items if isinstance(value, str)),
    )


def _name(value: object) -> str | None:
    return value[:TEXT_MAX] if isinstance(value, str) else None
