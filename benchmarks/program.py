"""A real runner whose reviews take no time: `python -m benchmarks.program`, as tests/runner/program.py.

A payload's `events` is how many events its job sends, one each millisecond or two, each with the time it was sent;
its `size` is how many bytes of filler the answer has.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from maw_remote.jobs.interface import Emit, Json
from tests.runner import program
from tests.runner.program import Echo


class Instant(Echo):
    def fingerprint(self, payload: Json) -> bytes:
        return f"{payload.get('n')} {payload.get('tree')}".encode()

    async def run(self, payload: Json, *, emit: Emit, model: str, **_more: Any) -> Json:
        for _ in range(payload.get("events", 0)):
            await emit("unit", {"unit": "u1", "path": "a.py", "state": "started", "sent": time.time()})
            await asyncio.sleep(0.002)
        filler = "x" * payload.get("size", 0)
        units = {"total": 1, "done": 1, "failed": 0}
        return {"v": 1, "findings": [], "skipped": [], "units": units, "model": model, "filler": filler}


if __name__ == "__main__":
    sys.exit(program.main(sys.argv[1:], {"review": Instant()}))
