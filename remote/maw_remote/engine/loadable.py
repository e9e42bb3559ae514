"""From a model's name to the file that can be loaded, and the ways to load it. Blocks: it reads headers, and whole
files whose checksum is not known yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from maw.errors import FatalError
from maw_remote.engine import gguf
from maw_remote.engine.estimate import Parts, Plan, estimate
from maw_remote.engine.gguf import Header
from maw_remote.engine.interface import EngineError
from maw_remote.engine.pool import Rung
from maw_remote.engine.settings import Settings
from maw_remote.engine.store import Installed, Store

CONTEXT_MIN = 2048  # tokens; with fewer a review has no room for its rules, so no memory is saved there
_BYTES_A_SECOND = 1e9  # of a file that is loaded for the first time; then it is measured


class Loadable(NamedTuple):
    """A model's file as it is now."""

    model: str
    path: str
    sha256: str
    header: Header

    @property
    def cost(self) -> float:
        """Seconds that loading takes, about."""
        return 0.3 + self.header.tensor_bytes / _BYTES_A_SECOND


# Adds what was learned about a model's memory to its estimate: (sha256, plan, estimate).
Correct = Callable[[str, Plan, Parts], Parts]


def find(store: Store, by_path: Callable[[str], Installed | None], model: str) -> Loadable:
    """The model's file, checked. `by_path` knows the catalogue's models that need no pull. Raises EngineError."""
    manifest = _manifest(store, by_path, model)
    try:
        return Loadable(model, manifest.path, manifest.sha256, gguf.read_header(manifest.path))
    except FileNotFoundError:
        raise _missing(store, model, f"the file of {model} is gone: {manifest.path}") from None
    except gguf.BadModel as exc:
        hint = f"get it again with `maw model rm {model}` and `maw model pull {model}`"
        raise EngineError("model_broken", f"{model} cannot be loaded: {manifest.path}: {exc}", hint=hint) from exc


def ladder(found: Loadable, settings: Settings, correct: Correct, *, gpu: bool) -> list[Rung]:
    """The ways to load a model, the best one first: fewer cells for all together cost speed, a quantised cache costs a
    little of quality, and only then may a request have less context."""
    context = min(settings.context, found.header.context or settings.context)
    small = min(context, max(context // 2, CONTEXT_MIN))
    cells = context * min(settings.sequences, 2)
    full = [(context, cells), (context, context)]
    ways = [(*way, settings.kv) for way in full] + [(*way, "q8_0") for way in full] + [(small, small, "q8_0")]
    plans = [
        Plan(context, cells, settings.sequences, kv, settings.prefix_memory, gpu)
        for context, cells, kv in dict.fromkeys(ways)
    ]
    return [Rung(plan, correct(found.sha256, plan, estimate(found.header, plan))) for plan in plans]


def _missing(store: Store, model: str, message: str) -> EngineError:
    if model in store.entries():
        return EngineError("model_missing", message, hint=f"get it with `maw model pull {model}`; see `maw model list`")
    return EngineError("model_missing", message, hint="`maw model list` shows what is there and what could be had")


def _manifest(store: Store, by_path: Callable[[str], Installed | None], model: str) -> Installed:
    try:
        manifest = store.installed(model) or by_path(model)
        if manifest is None:
            raise _missing(store, model, f"{model} is not on this node")
        return store.refresh(manifest) if os.path.exists(manifest.path) else manifest
    except FatalError as exc:
        raise EngineError("model_broken", exc.message, hint=exc.hint) from exc
