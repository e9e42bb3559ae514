"""What a worker process costs: tokens per second through the engine, beside the same library in one's own process."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import aclosing

from benchmarks.machines import MODEL as NAME
from benchmarks.machines import install_model
from benchmarks.rows import Row
from maw_remote.engine.gguf import read_header
from maw_remote.engine.interface import Message, Request, Text
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.program import Write
from maw_remote.engine.settings import Settings
from maw_remote.engine.store import Store

ROUNDS = 5
TOKENS = 200
CONTEXT = 2048
SHARE = 95.0
PROMPT = "Tell a long story about a boat."


def run() -> list[Row]:
    path = install_model()
    inside, through, first = asyncio.run(_compare(path))
    own, streamed = statistics.median(inside), statistics.median(through)
    share = 100 * statistics.median(there / here for here, there in zip(inside, through, strict=True))
    header = statistics.median(_timed(lambda: read_header(path)) for _ in range(9))
    start = asyncio.run(_start())
    return [
        Row("tokens/s of llama-cpp-python in-process, 1 thread, median", own, "", "tokens/s", None),
        Row("tokens/s streamed through the engine's worker", streamed, "", "tokens/s", None),
        Row("share of the in-process rate, median of pairs", share, f"≥ {SHARE:.0f}", "%", share >= SHARE),
        Row("first token, prefix known", statistics.median(first), "", "ms", None),
        Row("starting a worker with its model", start, "", "ms", None),
        Row("reading a GGUF header (49,152 tokens)", header, "≤ 50", "ms", header <= 50),
    ]


async def _compare(path: str) -> tuple[list[float], list[float], list[float]]:
    """Rates of both ways in turns, so that a busy machine disturbs both; and times to the first token."""
    engine = LocalEngine(Store(), _settings())
    llama = _in_process(path)
    inside, through, first = [], [], []
    try:
        await _stream(engine)
        _generate(llama)
        for _ in range(ROUNDS):
            inside.append(await asyncio.to_thread(_generate, llama))
            rate, ms = await _stream(engine)
            through.append(rate)
            first.append(ms)
    finally:
        await engine.close()
    return inside, through, first


def _in_process(path: str):  # type: ignore[no-untyped-def]  # the library has no types
    import llama_cpp

    return llama_cpp.Llama(
        path, n_ctx=CONTEXT, n_batch=256, n_ubatch=256, n_threads=1, n_threads_batch=1, flash_attn=False, verbose=False
    )


def _generate(llama) -> float:  # type: ignore[no-untyped-def]
    """Streamed tokens/s of the library's own chat call, from the first token to the last."""
    chat = [{"role": "user", "content": PROMPT}]
    count, began = 0, 0.0
    for piece in llama.create_chat_completion(chat, max_tokens=TOKENS, temperature=0.0, stream=True):
        if piece["choices"][0]["delta"].get("content"):
            count += 1
            began = began or time.monotonic()
    return (count - 1) / (time.monotonic() - began)


async def _stream(engine: LocalEngine) -> tuple[float, float]:
    """Tokens/s as they arrive at the caller, and the time to the first one in ms."""
    request = Request([Message("user", PROMPT)], (Write("text", TOKENS),))
    asked = time.monotonic()
    count, began = 0, 0.0
    async with aclosing(engine.run(NAME, request)) as parts:
        async for part in parts:
            if isinstance(part, Text):
                count += 1
                began = began or time.monotonic()
    return (count - 1) / (time.monotonic() - began), (began - asked) * 1000


async def _start() -> float:
    engine = LocalEngine(Store(), _settings())
    began = time.monotonic()
    try:
        await engine.load(NAME)
        return (time.monotonic() - began) * 1000
    finally:
        await engine.close()


def _settings() -> Settings:
    return Settings(context=CONTEXT, threads=1, gpu_layers=0)


def _timed(work) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
