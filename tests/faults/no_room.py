"""Load the embedded model where a worker's address space is too small for it, then where it is not: one line tells, and
others go on. Run as a program, since a process has its workers inherit its own limit."""

from __future__ import annotations

import asyncio
import resource

from maw_remote.engine.interface import EngineError
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.settings import Settings
from maw_remote.engine.store import Store
from tests.fixtures.model import NAME

LIMIT = 450 << 20  # bytes; the process itself, without a model, takes less


async def main() -> None:
    engine = LocalEngine(Store(), Settings(threads=1, context=8192))
    try:
        error = await _refused(engine)
        assert error is not None, "it was loaded"
        assert "\n" not in error.message
        assert error.code in ("worker_lost", "model_broken"), error.code
        await engine.load(NAME)
    finally:
        await engine.close()


async def _refused(engine: LocalEngine) -> EngineError | None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, hard))
    try:
        await asyncio.wait_for(engine.load(NAME), 100)
    except EngineError as exc:
        return exc
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return None


if __name__ == "__main__":
    asyncio.run(main())
