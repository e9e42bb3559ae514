"""Tokens of a real review, streamed through worker, runner, gate, sshd and link, beside the library in-process.

Three answer the same prompt under the same grammar and limits, greedily, on one thread and in turns; that they give
the same text is checked, so the tokens are the same, too. They are llama-cpp-python's own chat call, streamed; what
the worker does with the library, without its process (engine.model), which does less in Python for each token; and a
review task. Each round has a change of its own, so that each evaluates the end of its prompt; the beginning, the
instructions, it has evaluated before.

Decoding is from the first text to the last one. End to end is from the call (over the link: before the submit) to its
end (the event `done`), and so has the queue, the cutting into units and the prompt in it. What is judged compares the
fastest runs of each: whoever else uses the machine takes a tenth off one run or another, by chance.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial
from typing import Any, NamedTuple

from llama_cpp import Llama, LlamaGrammar
from maw_remote.engine.model import BATCH, Load, Model

from benchmarks.machines import MODEL, air_and_pro, install_model
from benchmarks.rows import Row
from maw import change, client, reach
from maw_remote.engine.interface import Generation, Usage
from maw_remote.jobs import review
from maw_remote.jobs.review import grammar, prompting, units
from tests.review_job.changes import patch, payload

ROUNDS = 8
CONTEXT = 4096
SHARE = 95.0
SETTINGS = f'roles.manager = "{MODEL}"\nroles.generator = "{MODEL}"\nrunner.threads = 1\nrunner.context = {CONTEXT}\n'


class Run(NamedTuple):
    """One answer: its text, the seconds of its decoding and of the whole, and its tokens where they are told."""

    text: str
    decoding: float
    whole: float
    tokens: int = 0


class Round(NamedTuple):
    """The same answer of all three."""

    chat: Run
    model: Run
    task: Run

    @property
    def tokens(self) -> int:
        return self.task.tokens

    @property
    def rates(self) -> list[float]:
        """Tokens a second of decoding."""
        return [(self.tokens - 1) / run.decoding for run in (self.chat, self.model, self.task)]


def run() -> list[Row]:
    with air_and_pro(SETTINGS):
        path = install_model()
        reach.start_runner(time.monotonic() + 60)
        try:
            return _rows(_rounds(path))
        finally:
            subprocess.run([sys.executable, "-m", "maw_remote", "stop"], check=True, stdout=subprocess.DEVNULL)


def _rounds(path: str) -> list[Round]:
    model = Model(Load(path, CONTEXT, 1, 0))
    library = Llama(
        path, n_ctx=CONTEXT, n_batch=BATCH, n_ubatch=BATCH, n_threads=1, n_threads_batch=1, flash_attn=True,
        verbose=False,
    )  # fmt: skip
    rounds = []
    for number in range(ROUNDS + 1):
        diff = patch("ledger.py", _code(number))
        asked = _generation(model, diff)
        ways = [partial(_chat, library, asked), partial(_model, model, asked), partial(_task, diff)]
        order = [(number + turn) % 3 for turn in range(3)]  # none is always the one after another
        runs = {way: ways[way]() for way in order}
        assert runs[0].text == runs[1].text == runs[2].text, "they answered differently"
        rounds.append(Round(*(runs[way] for way in range(3))))
    return rounds[1:]  # the first one loads the model and evaluates the instructions


def _code(number: int) -> list[bytes]:
    return [
        b"def mean_%d(values):" % number,
        b"    total = 0",
        b"    for value in values:",
        b"        total += value",
        b"    return total / len(values)",
    ]


def _rows(rounds: list[Round]) -> list[Row]:
    rates = list(zip(*(each.rates for each in rounds), strict=True))
    chat, model, task = (max(found) for found in rates)
    shares = [100 * statistics.median(each.rates[2] / each.rates[way] for each in rounds) for way in (0, 1)]
    end = 100 * min(each.chat.whole for each in rounds) / min(each.task.whole for each in rounds)
    more = 1000 * (min(each.task.whole for each in rounds) - min(each.model.whole for each in rounds))
    return [
        Row("tokens of an answer, median", statistics.median(each.tokens for each in rounds), "", "tokens", None),
        Row("decoding, the library's chat call in-process, fastest", chat, "", "tokens/s", None),
        Row("decoding, the engine's code in-process, fastest", model, "", "tokens/s", None),
        Row("decoding, a review task over the link, fastest", task, "", "tokens/s", None),
        _share("decoding over the link, share of the chat call, fastest of each", 100 * task / chat),
        _share("decoding over the link, share of the engine's code, fastest of each", 100 * task / model),
        Row("decoding over the link, share of the chat call, median of rounds", shares[0], "", "%", None),
        Row("decoding over the link, share of the engine's code, median of rounds", shares[1], "", "%", None),
        Row("end to end over the link, share of the chat call, fastest of each", end, "", "%", None),
        Row("end to end, what the way adds to the engine's code, fastest of each", more, "", "ms", None),
    ]


def _share(name: str, percent: float) -> Row:
    return Row(name, percent, f"≥ {SHARE:g}", "%", percent >= SHARE)


def _generation(model: Model, diff: bytes) -> Generation:
    """What the review job asks about this change, which is one unit."""
    (unit,) = units.cut(change.parse(diff)[0], 1200, lambda texts: [model.count(text) for text in texts])
    limits = review.LIMITS
    return Generation(prompting.messages(unit, []), grammar.max_tokens(limits), grammar.build(unit, limits))


def _chat(library: Llama, asked: Generation) -> Run:
    messages: Any = [{"role": said.role, "content": said.text} for said in asked.messages]
    watch = _Watch()
    for chunk in library.create_chat_completion(
        messages, max_tokens=asked.max_tokens, stream=True, temperature=0.0, top_p=1.0, top_k=0, min_p=0.0,
        repeat_penalty=1.0, grammar=LlamaGrammar(_grammar=asked.grammar),
    ):  # fmt: skip
        watch.take(chunk["choices"][0]["delta"].get("content"))
    return watch.run()


def _model(model: Model, asked: Generation) -> Run:
    watch = _Watch()
    for piece in model.generate(asked, lambda: False):
        watch.take(None if isinstance(piece, Usage) else piece)
    return watch.run()


def _task(diff: bytes) -> Run:
    watch = _Watch()
    task = client.submit("pro", {"kind": "review", "payload": payload(diff), "priority": "interactive"})
    for event in client.events("pro", task["id"]):
        watch.take(event.data["text"] if event.type == "text" else None)
    assert event.type == "done", event.data
    return watch.run()._replace(tokens=event.data["result"]["stats"]["completion_tokens"])


class _Watch:
    """Takes the time of the first and of the last text."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._times: list[float] = []
        self._text = ""

    def take(self, text: str | None) -> None:
        if text:
            self._times.append(time.monotonic())
            self._text += text

    def run(self) -> Run:
        return Run(self._text, self._times[-1] - self._times[0], time.monotonic() - self._began)
