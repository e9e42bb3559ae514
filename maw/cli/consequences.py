"""What follows from a setting that was just changed: who goes by it, from when on, and what stands in its way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from maw import answers, api, reach
from maw.config.load import Config, load
from maw.config.schema import BY_KEY
from maw.errors import FatalError
from maw.text import one_line

ASKED = 2.0  # seconds that the runner here has for an answer
TAKEN_OVER = 3.0  # … and to read its settings again; it looks each quarter of a second
_PAUSE = 0.05
ROLES = ("roles.manager", "roles.generator")

Json = dict[str, Any]


class Before(NamedTuple):
    """How things were before the change. `since`: when the runner here read its settings; None: there is none."""

    config: Config
    since: str | None


def look() -> Before:
    """Starts nothing."""
    return Before(load(strict=False), _settings_of_the_runner().get("since"))


def refuse(key: str, value: str) -> None:
    """Raises FatalError for a value that cannot work, whatever happens next."""
    if key == "node" and value != reach.LOCAL:
        load(strict=False).node(value)


def lines(key: str, before: Before) -> Iterator[str]:
    """What there is to say of `key`, which was set or unset, a line a thing. Waits for the runner on this machine, a
    moment, where it has to read its settings again."""
    now = load(strict=False)
    yield from (f"but there is more that cannot be used: {problem}" for problem in now.problems)
    if not is_runners(key):
        return
    if now["node"] != reach.LOCAL:
        yield from _elsewhere(key, now)
    if before.since is not None:
        yield from _here(now, before)
    if key in ROLES:
        yield from _unknown_model(now[key], now)


def is_runners(key: str) -> bool:
    """Whether a runner goes by it: the one whose file it stands in."""
    setting = BY_KEY.get(key)
    return key.startswith("backends.") or (setting is not None and setting.of_runner)


def _elsewhere(key: str, now: Config) -> Iterator[str]:
    node = now["node"]
    if node in now.nodes:
        entry = now.nodes[node]
        host = f"{entry.user}@{entry.host}" if entry.user else entry.host
        there = f"`ssh {host}`, then `maw config set {key} …` there"
        yield f"but {node} does the work, and goes by its own settings: {there}"


def _here(now: Config, before: Before) -> Iterator[str]:
    if (now.values, now.backends) == (before.config.values, before.config.backends):
        return
    until = time.monotonic() + TAKEN_OVER
    while time.monotonic() < until:
        found = _settings_of_the_runner()
        if found.get("problems"):
            yield "the runner on this machine goes by the settings of before: " + one_line(str(found["problems"][0]))
            return
        if found.get("since") != before.since:
            restart = found.get("restart")
            yield "the runner on this machine " + (
                f"takes {', '.join(restart)} over with `maw-runner restart`" if restart else "goes by it from now on"
            )
            return
        if found.get("waiting"):
            break
        time.sleep(_PAUSE)
    yield "the runner on this machine goes by it when its running task has ended"


def _settings_of_the_runner() -> Json:
    if not reach.is_up(reach.LOCAL):
        return {}
    try:
        answer = answers.ask(reach.LOCAL, "GET", "/api/v1/status", api.Status, timeout=ASKED)
    except FatalError:
        return {}
    found = answer.get("settings")
    return found if isinstance(found, dict) else {}


def _unknown_model(name: str, now: Config) -> Iterator[str]:
    """Of a model that nobody has, as far as can be told without starting anything."""
    server = name.partition("/")[0] if "/" in name else None
    if server is not None:
        if server not in now.backends:
            yield f"but there is no backend called {server!r} (`maw config set backends.{server}.url http://…`)"
    elif now["node"] == reach.LOCAL and reach.is_up(reach.LOCAL):
        try:
            listed = answers.ask(reach.LOCAL, "GET", "/api/v1/models", api.ModelList, timeout=ASKED)["models"]
        except FatalError:
            return
        if name not in [found["name"] for found in listed]:
            yield f"but no model is called {name!r} here: `maw model list` shows them"
