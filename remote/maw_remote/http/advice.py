"""The answers of `GET /models/recommended` and `GET /models/found`. They block: run them in a thread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from maw_remote.engine import adopt, recommend
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.memory import Memory, memory
from maw_remote.engine.recommend import Choice


def recommendation(engine: LocalEngine, gigabytes: float | None) -> dict[str, Any]:
    """What to run with `gigabytes` for models, or with what this machine has. Raises FatalError."""
    given = Memory(int(gigabytes * 1e9), int(gigabytes * 1e9), "as asked for") if gigabytes else None
    has = given or _granted(engine)
    context = engine.context_setting
    cores = 0 if has.gpu else engine.settings.worker_threads
    advice = recommend.advise(engine.store.entries().values(), has.budget, context, cores)
    installed = set(engine.store.all_installed())
    return {
        "v": 1,
        "memory": has._asdict(),
        "context": context,
        "needs": advice.needs,
        "choices": [_choice(choice, choice.entry.name in installed) for choice in advice.choices],
        "passed_over": [{"model": name, "why": why} for name, why in advice.passed_over],
        "commands": _commands(advice.choices, installed),
    }


def _granted(engine: LocalEngine) -> Memory:
    """What the engine will admit models into."""
    wanted, has = engine.settings.budget, memory()
    if wanted.total:
        has = has._replace(budget=wanted.total, how="as budget.total says")
    return has._replace(budget=max(has.budget - wanted.buffer, 0))


def found(engine: LocalEngine, path: str | None) -> dict[str, Any]:
    """Models that are on this machine already, and under which name each is known here. Raises FatalError."""
    entries = engine.store.entries().values()
    models = adopt.scan(entries, adopt.known_places()) if path is None else adopt.look(entries, Path(path))
    known = {os.path.realpath(one.path): one.name for one in engine.store.all_installed().values()}
    return {
        "v": 1,
        "models": [{**model._asdict(), "known_as": known.get(os.path.realpath(model.path))} for model in models],
        "places": [{"origin": origin, "path": str(place)} for origin, place in adopt.known_places()],
    }


def _choice(choice: Choice, installed: bool) -> dict[str, Any]:
    entry = choice.entry
    return {
        "role": choice.role, "model": entry.name, "needs": choice.needs, "bytes": entry.size,
        "approximate": entry.sha256 is None, "installed": installed, "license": entry.license,
        "context": entry.context, "attention": entry.attention, "tier": entry.tier, "why": choice.why,
    }  # fmt: skip


def _commands(choices: tuple[Choice, ...], installed: set[str]) -> list[str]:
    """What to type, in order. `maw config` acts on the machine it runs on, so that belongs to the node."""
    names = dict.fromkeys(choice.entry.name for choice in choices)
    pulls = [f"maw model pull {name}" for name in names if name not in installed]
    return pulls + [f"maw config set roles.{choice.role} {choice.entry.name}" for choice in choices]
