"""Tokens of a real review, streamed through worker, runner, gate, sshd and link, beside engine and library here.

Three answer the same prompt in the same shape within the same limits, greedily, on one thread and in turns. They are
llama-cpp-python's own chat call in this process, streamed, under the shape's grammar; the engine with its worker, asked
from this process; and a review task. The last two run the very same program. Each round has a change of its own, so
that each evaluates the end of its prompt; the beginning, the instructions, it has evaluated before. The change is like
the prompt's own example, so that any model finds fault with it.

Decoding is from the first text to the last one. End to end is from the call (over the link: before the submit) to its
end (the event `done`), and so has the queue, the cutting into units and the prompt in it. What is judged compares the
fastest runs of each: whoever else uses the machine takes a tenth off one run or another, by chance.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from contextlib import aclosing
from typing import Any, NamedTuple

from llama_cpp import Llama, LlamaGrammar

from benchmarks.machines import MODEL, air_and_pro, install_model
from benchmarks.rows import Row
from maw import change, client, reach
from maw_remote.engine.interface import Request, Text, Usage
from maw_remote.engine.local import LocalEngine, Settings
from maw_remote.engine.program import Pick, Program, Say
from maw_remote.engine.shape import gbnf
from maw_remote.engine.store import Store
from maw_remote.jobs.review import LIMITS, prompting, shape, units
from tests.review_job.changes import patch, payload

ROUNDS = 8
CONTEXT = 4096
BATCH = 256
SHARE = 95.0
SETTINGS = f'roles.manager = "{MODEL}"\nroles.generator = "{MODEL}"\nrunner.threads = 1\nrunner.context = {CONTEXT}\n'
SETTINGS += "review.verify = false\n"  # nor is the engine asked anything else


class Run(NamedTuple):
    """One answer: the seconds of its decoding and of the whole, and its tokens."""

    decoding: float
    whole: float
    tokens: int

    @property
    def rate(self) -> float:
        """Tokens a second of decoding."""
        return (self.tokens - 1) / self.decoding


class Round(NamedTuple):
    """One change, judged by all three."""

    chat: Run
    engine: Run
    task: Run


def run() -> list[Row]:
    with air_and_pro(SETTINGS):
        path = install_model()
        reach.start_runner(time.monotonic() + 60)
        try:
            return _rows(asyncio.run(_rounds(path)))
        finally:
            subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, stdout=subprocess.DEVNULL)


async def _rounds(path: str) -> list[Round]:
    library = Llama(
        path, n_ctx=CONTEXT, n_batch=BATCH, n_ubatch=BATCH, n_threads=1, n_threads_batch=1, flash_attn=True,
        verbose=False,
    )  # fmt: skip
    engine = LocalEngine(Store(), Settings(context=CONTEXT, threads=1, gpu_layers=0))
    try:
        rounds = [await _round(number, library, engine) for number in range(ROUNDS + 1)]
    finally:
        await engine.close()
    return rounds[1:]  # the first one loads the model and evaluates the instructions


async def _round(number: int, library: Llama, engine: LocalEngine) -> Round:
    diff = patch("mails.py", _code(number))
    asked = _request(diff)
    runs = {}
    for way in ((number + turn) % 3 for turn in range(3)):  # none is always the one after another
        if way == 0:
            runs[way] = _chat(library, asked)
        elif way == 1:
            runs[way] = await _engine(engine, asked)
        else:
            runs[way] = await asyncio.to_thread(_task, diff)
    assert runs[1].tokens == runs[2].tokens, "they answered differently"
    return Round(*(runs[way] for way in range(3)))


def _code(number: int) -> list[bytes]:
    return [b"user = users_%d.get(name)" % number, b"send(user.address, text)"]


def _rows(rounds: list[Round]) -> list[Row]:
    rates = list(zip(*((each.chat.rate, each.engine.rate, each.task.rate) for each in rounds), strict=True))
    chat, engine, task = (max(found) for found in rates)
    share = 100 * statistics.median(each.task.rate / each.engine.rate for each in rounds)
    more = 1000 * (min(each.task.whole for each in rounds) - min(each.engine.whole for each in rounds))
    return [
        Row("tokens of an answer, median", statistics.median(each.task.tokens for each in rounds), "", "tokens", None),
        Row("decoding, the library's chat call under the same grammar, fastest", chat, "", "tokens/s", None),
        Row("decoding, the engine asked from this process, fastest", engine, "", "tokens/s", None),
        Row("decoding, a review task over the link, fastest", task, "", "tokens/s", None),
        _share("decoding over the link, share of the chat call, fastest of each", 100 * task / chat),
        _share("decoding over the link, share of the engine, fastest of each", 100 * task / engine),
        Row("decoding over the link, share of the engine, median of rounds", share, "", "%", None),
        Row("end to end, what the way adds to the engine, fastest of each", more, "", "ms", None),
    ]


def _share(name: str, percent: float) -> Row:
    return Row(name, percent, f"≥ {SHARE:g}", "%", percent >= SHARE)


def _request(diff: bytes) -> Request:
    """What the review job asks about this change, which is one unit."""
    (unit,) = units.cut(change.parse(diff)[0], 10**6, lambda texts: [len(text) for text in texts])
    messages = prompting.messages(unit, [])
    return Request(messages, shape.build((line.new or 0 for line in unit.judged()), LIMITS), shared=len(messages) - 1)


def _finding(program: Program) -> Program:
    """The program without its way to find nothing: sampled token by token, the library might take it."""
    (first,) = program
    assert isinstance(first, Pick)
    found = next(option for option in first.options if option.value == shape.YES)
    return (Say(found.text), *found.then)


def _chat(library: Llama, asked: Request) -> Run:
    messages: Any = [{"role": said.role, "content": said.text} for said in asked.messages]
    watch = _Watch()
    for chunk in library.create_chat_completion(
        messages, max_tokens=shape.longest(LIMITS), stream=True, temperature=0.0, top_p=1.0, top_k=0, min_p=0.0,
        repeat_penalty=1.0, grammar=LlamaGrammar(_grammar=gbnf.build(_finding(asked.program))),
    ):  # fmt: skip
        watch.take(chunk["choices"][0]["delta"].get("content"))
    return watch.run(watch.count)


async def _engine(engine: LocalEngine, asked: Request) -> Run:
    watch = _Watch()
    async with aclosing(engine.run(MODEL, asked)) as parts:
        async for part in parts:
            watch.take(part.text if isinstance(part, Text) else None)
    assert isinstance(part, Usage)
    return watch.run(part.completion_tokens)


def _task(diff: bytes) -> Run:
    watch = _Watch()
    task = client.submit("pro", {"kind": "review", "payload": payload(diff), "priority": "interactive"})
    for event in client.events("pro", task["id"]):
        watch.take(event.data["text"] if event.type == "text" else None)
    assert event.type == "done", event.data
    return watch.run(event.data["result"]["stats"]["completion_tokens"])


class _Watch:
    """Takes the time of the first and of the last text."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times: list[float] = []

    def take(self, text: str | None) -> None:
        if text:
            self._times.append(time.monotonic())

    @property
    def count(self) -> int:
        return len(self._times)

    def run(self, tokens: int) -> Run:
        assert len(self._times) > 1, "the model found nothing, so that there is no text to time"
        return Run(self._times[-1] - self._times[0], time.monotonic() - self._began, tokens)
