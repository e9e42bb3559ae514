"""Whether memory adds up: what a model was reckoned to take beside what it takes, before it was ever loaded and after.

Measured once the worker has evaluated more than a chunk, so that its buffers were touched.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

from benchmarks.machines import MODEL, install_model
from benchmarks.rows import Row
from maw import paths
from maw_remote.engine.interface import Message, Request
from maw_remote.engine.ledger import Budget
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.program import Write
from maw_remote.engine.settings import Settings
from maw_remote.engine.store import Store
from tests.fixtures.gemma import gemma_file

GEMMA = "gemma-3-270m"
FIRST, AGAIN = 35.0, 10.0  # per cent that it may be off: before the first load, and after one
WORK = Request([Message("user", "Tell a story of a boat. " * 60)], (Write("text", 4),))


class Account(NamedTuple):
    reckoned: int
    measured: int

    @property
    def off(self) -> float:
        """Per cent."""
        return 100 * abs(self.reckoned - self.measured) / self.measured


def run() -> list[Row]:
    install_model()
    rows = [row for context in (2048, 8192) for kv in ("f16", "q8_0") for row in _rows(MODEL, context, kv)]
    file = gemma_file(Path(paths.make_private_dir(os.path.join(paths.state_dir(), "models"))))
    if file is not None:
        Store().pull(GEMMA, f"path:{file}", lambda *_: None)
        rows += [row for context in (2048, 8192, 32768) for kv in ("f16", "q8_0") for row in _rows(GEMMA, context, kv)]
    return rows


def _rows(model: str, context: int, kv: str) -> list[Row]:
    first, again = accounts(model, context, kv)
    name = f"{model}, context {context}, {kv}"
    return [
        Row(f"{name}: memory in use", first.measured / 1e6, "", "MB", None),
        Row(f"{name}: estimate before the first load, off by", first.off, f"≤ {FIRST:.0f}", "%", first.off <= FIRST),
        Row(f"{name}: estimate after one load, off by", again.off, f"≤ {AGAIN:.0f}", "%", again.off <= AGAIN),
    ]


def accounts(model: str, context: int, kv: str) -> tuple[Account, Account]:
    """Load a model that was never loaded, and then once more."""
    Path(paths.state_dir(), "memory.json").unlink(missing_ok=True)
    return asyncio.run(_account(model, context, kv)), asyncio.run(_account(model, context, kv))


async def _account(model: str, context: int, kv: str) -> Account:
    settings = Settings(context=context, kv=kv, threads=1, gpu_layers=0, budget=Budget(16 << 30))
    engine = LocalEngine(Store(), settings)
    try:
        await engine.load(model)
        admitted = engine.workers.pool.models[model].rung.parts
        async with aclosing(engine.run(model, WORK)) as parts:
            async for _ in parts:
                pass
        await engine.workers.settled()
        measured = engine.workers.processes[model].memory()
        assert measured is not None
        return Account(admitted.total - admitted.prefixes, measured)
    finally:
        await engine.close()
