"""The ledger as the API tells it: who holds how much, who waits, and who left why."""

from __future__ import annotations

from collections import Counter

from maw import api
from maw.text import rfc3339
from maw_remote.engine.pool import Loaded, Pool
from maw_remote.engine.prefixes import PrefixStore
from maw_remote.engine.process import WorkerProcess
from maw_remote.engine.workers import Workers


def ledger(workers: Workers, prefixes: PrefixStore, now: float) -> api.Ledger:
    """`now` is time.monotonic(). Blocks: it looks at processes and at a folder."""
    pool, usage = workers.pool, prefixes.usage()
    waiting = Counter(want.model for want, _ in list(pool.waiting.values()))
    books = pool.ledger
    return api.Ledger(
        budget=api.MemoryBudget(**books.budget._asdict()),
        held=books.held,
        free=max(books.room, 0),
        models=[
            _held(pool, model, workers.processes.get(name) or workers.starting.get(name), waiting.pop(name, 0), now)
            for name, model in list(pool.models.items())
        ],
        jobs=dict(books.jobs),
        waiting=dict(waiting),
        evicted=[api.Evicted(model=one.model, at=rfc3339(one.at), why=one.why) for one in list(workers.evicted)],
        prefixes=api.Prefixes(bytes=usage.bytes, files=usage.files, limit=prefixes.limit),
    )


def _held(pool: Pool, model: Loaded, worker: WorkerProcess | None, waiting: int, now: float) -> api.Held:
    parts, plan = pool.ledger.holdings[model.name], model.rung.plan
    idle = model.state == "loaded" and not model.requests
    pinned = model.name in pool.pinned
    return api.Held(
        model=model.name,
        state=model.state,
        bytes=parts.total,
        parts=api.Parts(**parts._asdict()),
        memory=worker.memory() if worker is not None else None,
        context=plan.context,
        cells=plan.cells,
        kv=plan.kv,
        busy=len(model.requests),
        waiting=waiting,
        pinned=pinned,
        idle=round(now - model.used, 1) if idle else None,
        leaves_in=round(max(model.used + pool.keep_alive(model) - now, 0.0), 1) if idle and not pinned else None,
    )
