"""What the UI remembers from one start to the next: <state>/tui.json, {"v","theme","screen","filters",
"choices"}."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from maw import files, paths

VERSION = 1
TEXT_MAX = 1000  # characters of anything in it
NAMES_MAX = 50

Pairs = tuple[tuple[str, str], ...]


class State(NamedTuple):
    """`theme` and `screen` are names, None where nothing is remembered; `filters` by the name of what is filtered,
    `choices` by that of what is chosen."""

    theme: str | None = None
    screen: str | None = None
    filters: Pairs = ()
    choices: Pairs = ()

    def filter(self, name: str) -> str:
        return dict(self.filters).get(name, "")

    def filtered(self, name: str, text: str) -> State:
        """With another filter there."""
        return self._replace(filters=_with(self.filters, name, text))

    def choice(self, name: str) -> str:
        return dict(self.choices).get(name, "")

    def chosen(self, name: str, value: str) -> State:
        """With another choice there."""
        return self._replace(choices=_with(self.choices, name, value))


def _with(pairs: Pairs, name: str, text: str) -> Pairs:
    others = {key: value for key, value in pairs if key != name}
    return tuple((others | {name: text[:TEXT_MAX]} if text else others).items())


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


NOTHING = State()


def save(state: State, before: State = NOTHING) -> None:
    """Keep what is another than before; the rest may be another UI's, which runs at the same time. Raises OSError."""
    if state == before:
        return
    paths.make_private_dir(paths.state_dir())
    there, _ = load()
    data = {
        "v": VERSION,
        "theme": there.theme if state.theme == before.theme else state.theme,
        "screen": there.screen if state.screen == before.screen else state.screen,
        "filters": _joined(there.filters, before.filters, state.filters),
        "choices": _joined(there.choices, before.choices, state.choices),
    }
    files.write_atomic(path(), json.dumps(data, indent=1).encode("ascii"))


def _joined(there: Pairs, before: Pairs, now: Pairs) -> dict[str, str]:
    """What is there, with what changed since `before`."""
    gone = {name for name, _ in before} - {name for name, _ in now}
    kept = {name: text for name, text in there if name not in gone}
    return kept | dict(pair for pair in now if pair not in before)


def _state(data: dict[str, Any]) -> State:
    return State(
        _name(data.get("theme")),
        _name(data.get("screen")),
        _pairs(data.get("filters")),
        _pairs(data.get("choices")),
    )


def _pairs(value: object) -> Pairs:
    items = list(value.items())[:NAMES_MAX] if isinstance(value, dict) else []
    return tuple((key[:TEXT_MAX], text[:TEXT_MAX]) for key, text in items if isinstance(text, str))


def _name(value: object) -> str | None:
    return value[:TEXT_MAX] if isinstance(value, str) else None
