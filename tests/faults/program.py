"""A real runner whose reviews need no model but a worker process each.

Usage: python -m tests.faults.program [SETTING=NUMBER…], as tests/runner/program.py.

Each run of a job appends [what, time, fingerprint] to the file `runs` in the state directory: `start`, then `end`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from typing import Any

from maw import paths
from maw_remote.engine.interface import EngineError
from maw_remote.jobs import reading
from maw_remote.jobs.interface import Emit, Json
from maw_remote.jobs.review import payload as payloads
from tests.fixtures.fake_runner import result
from tests.runner import program


class Review:
    """Asks a worker that thinks for a moment; the answer follows from the change alone."""

    ROLE = "manager"

    def check(self, payload: Json) -> None:
        payloads.parse(payload)

    def fingerprint(self, payload: Json) -> bytes:
        return reading.fingerprint(payload, payloads.KEYS)

    def title(self, payload: Json) -> str:
        return reading.title(payload)

    def recipe(self) -> bytes:
        return b"faults 1"

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Any, emit: Emit, since: float = 0.0
    ) -> Json:
        told = {"unit": "u1", "path": "a.py", "total": 1}
        log("start", payload)
        await emit("plan", {"units": 1, "skipped": []})
        await emit("unit", {**told, "state": "started", "done": 0})
        worker = await asyncio.create_subprocess_exec("sleep", "0.3", stdin=asyncio.subprocess.DEVNULL)
        if await worker.wait():
            raise EngineError("worker_lost", "the worker died", retry=True)
        await emit("unit", {**told, "state": "done", "done": 1})
        log("end", payload)
        return {**result(), "model": model, "profile": profile}


def log(what: str, payload: Json) -> None:
    digest = hashlib.sha256(reading.fingerprint(payload, payloads.KEYS)).hexdigest()
    with open(os.path.join(paths.state_dir(), "runs"), "a", encoding="ascii") as file:
        file.write(json.dumps([what, time.time(), digest]) + "\n")


if __name__ == "__main__":
    sys.exit(program.main(sys.argv[1:], {"review": Review()}))
