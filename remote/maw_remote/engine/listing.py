"""The models of a node as its API tells them: what can be had, what is here, what is loaded."""

from __future__ import annotations

import os
from collections.abc import Collection

from maw import api
from maw_remote.engine import gguf
from maw_remote.engine.catalogue import Entry
from maw_remote.engine.process import WorkerProcess
from maw_remote.engine.store import Installed


def at_rest(name: str, entry: Entry | None, manifest: Installed | None, error: str | None) -> api.Model:
    """A model that is not loaded. `error`: why it could not be, the last time."""
    found = api.Model(name=name, state="available", error=error)
    if entry is not None:
        found.source, found.bytes = entry.source, entry.size
        found.license, found.context = entry.license, entry.context
    if manifest is not None:
        error = error or fault(manifest)
        found = api.Model(
            name=name, state="broken" if error else "installed", source=manifest.source, file=manifest.path,
            bytes=manifest.bytes, sha256=manifest.sha256, license=manifest.license, context=manifest.context,
            error=error,
        )  # fmt: skip
    if entry is not None:
        found.attention, found.reasoning, found.tier = entry.attention, entry.reasoning, entry.tier
    return found


def at_work(found: api.Model, worker: WorkerProcess | None, loading: Collection[str], held: int | None) -> api.Model:
    """The same model with what its worker tells, and the bytes that the ledger counts for it."""
    found.held = held
    if found.name in loading:
        found.state = "loading"
    elif worker is not None and not worker.lost:
        found.state, found.context, found.busy = "loaded", worker.context, worker.busy
        found.pid, found.memory = worker.pid, worker.memory()
    return found


def fault(manifest: Installed) -> str | None:
    """What is wrong with an installed model's file, as far as a glance tells."""
    try:
        size = os.stat(manifest.path).st_size
    except OSError as exc:
        return f"{manifest.path}: {exc.strerror}"
    if size == manifest.bytes:
        return None
    if not manifest.source.startswith("path:"):
        return f"{manifest.path} has {size:,} bytes, not {manifest.bytes:,}"
    try:  # somebody else's file, which may have been replaced by another one that is whole
        gguf.read_header(manifest.path)
    except (gguf.BadModel, OSError) as exc:
        return f"{manifest.path}: {exc}"
    return None
