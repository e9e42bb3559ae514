"""What a prefix on the disk is worth, and what writing it costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import aclosing
from pathlib import Path

from benchmarks.machines import MODEL, install_model
from benchmarks.rows import Row
from maw import paths
from maw_remote.engine import snapshots
from maw_remote.engine.interface import Message, Request, Usage
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.program import Write
from maw_remote.engine.settings import Settings
from maw_remote.engine.store import Store

SOONER, DEARER = 20.0, 2.0
TOKENS = 1650  # asked for, so that the prefix has 1,500 at least
ROUNDS = 5
_SENTENCE = "Money is Decimal, never float; names say what a thing is for. "  # 15 tokens or so


def run() -> list[Row]:
    install_model()
    cold, warm, tokens = asyncio.run(_first_tokens())
    state = os.urandom(34 << 20)  # as much as 1,500 tokens of this model take
    ratios = [_written(state, number) for number in range(ROUNDS)]
    ratio, sooner = statistics.median(ratios), cold / warm
    return [
        Row(f"first token behind a prefix of {tokens} tokens, cold, 1 thread", cold, "", "ms", None),
        Row("the same in a fresh worker, prefix from the disk", warm, "", "ms", None),
        Row("so much sooner", sooner, f"≥ {SOONER:.0f}", "x", sooner >= SOONER),
        Row("writing a snapshot of 36 MB, against writing its bytes", ratio, f"≤ {DEARER:.0f}", "x", ratio <= DEARER),
    ]


async def _first_tokens() -> tuple[float, float, int]:
    engine = LocalEngine(Store(), Settings(context=4096, threads=1, gpu_layers=0))
    try:
        count = (await engine.count(MODEL, [_SENTENCE]))[0]
        rules = [Message("system", _SENTENCE * (TOKENS // count))]
        cold = await _ask(engine, rules, "one")
        folder = Path(paths.state_dir(), "prefixes")
        while not list(folder.glob("*.prefix")):
            await asyncio.sleep(0.05)
        warm = []
        for number in range(ROUNDS):
            await engine.unload(MODEL)
            await engine.load(MODEL)
            warm.append((await _ask(engine, rules, f"question {number}")).first_token_ms)
        return cold.first_token_ms, statistics.median(warm), cold.prompt_tokens
    finally:
        await engine.close()


async def _ask(engine: LocalEngine, rules: list[Message], text: str) -> Usage:
    request = Request([*rules, Message("user", text)], (Write("text", 2),), shared=len(rules))
    async with aclosing(engine.run(MODEL, request)) as parts:
        async for part in parts:
            if isinstance(part, Usage):
                return part
    raise RuntimeError("an answer without an end")


def _written(state: bytes, number: int) -> float:
    """Seconds to write a snapshot, in those that its bytes alone take; both into a new file."""
    folder = Path(paths.make_private_dir(paths.state_dir()))
    began = time.perf_counter()
    (folder / f"plain{number}").write_bytes(state)
    plain = time.perf_counter() - began
    began = time.perf_counter()
    snapshots.write(str(folder / f"snapshot{number}"), bytes(snapshots.KEY_BYTES), TOKENS, state)
    return (time.perf_counter() - began) / plain
