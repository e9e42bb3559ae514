"""Many sequences in one worker: what batching gives and takes, and how soon it stops or lets others in.

On one thread, in this process: the code of a worker without its pipe, so that CPU time is that of decoding alone.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machines import install_model
from benchmarks.rows import Row
from maw_remote.engine.decoder import Decoder
from maw_remote.engine.interface import Message
from maw_remote.engine.program import Program, Write
from tests.engine.inside import Inside, usage

ROUNDS = 3
STOPS = 20
TOKENS = 96
TELL = [Message("user", "Tell a long story about a boat.")]
ENDLESS = "root ::= [a-z ] root"  # an answer that only ends with its tokens
STORY: Program = (Write("text", TOKENS),)


def run() -> list[Row]:
    path = Path(install_model())
    return [*_single(path), *_together(path), *_joining(path), *_stopping(path), *_giving_way(path)]


def _inside(path: Path, **config: int) -> Inside:
    inside = Inside(path, **{"context": 3000, "cells": 4096, "sequences": 4, **config})
    inside.answer((Write("text", 2),), TELL)
    return inside


def _single(path: Path) -> list[Row]:
    """A free-running answer beside the bare loop: llama_decode, and the likeliest token."""
    inside = _inside(path)
    decoder = inside.service._decoder
    tokens = inside.service._chat.tokens(TELL, 0).tokens
    shares, python = [], []
    for turn in range(2 * ROUNDS):
        ways: list[Callable[[], float]] = [lambda: _raw(decoder, tokens), lambda: _free(inside)]
        first, second = ways[:: 1 if turn % 2 else -1]
        times = {first: first(), second: second()}
        shares.append(100 * times[ways[0]] / times[ways[1]])
        began, before = time.perf_counter(), inside.slots.computing
        inside.answer(STORY, TELL)
        python.append(100 * (1 - (inside.slots.computing - before) / (time.perf_counter() - began)))
    share, own = statistics.median(shares), statistics.median(python)
    return [
        Row("a single answer, share of a bare llama_decode loop's rate", share, "≥ 97", "%", share >= 97),
        Row("Python's share of a step, one free-running answer", own, "≤ 3", "%", own <= 3),
    ]


def _raw(decoder: Decoder, tokens: list[int]) -> float:
    """CPU seconds for each token of the loop, from the prompt's end on."""
    sequence, rows = decoder.sequences - 1, decoder.rows
    rows.clear()
    rows.want(rows.add(tokens, 0, [sequence]) + len(tokens) - 1)
    decoder.decode()
    token, began = int(decoder.logits(len(tokens) - 1).argmax()), time.process_time()
    for at in range(TOKENS - 1):
        rows.clear()
        rows.want(rows.add([token], len(tokens) + at, [sequence]))
        decoder.decode()
        token = int(decoder.logits(0).argmax())
    spent = time.process_time() - began
    decoder.drop(sequence)
    return spent / (TOKENS - 1)


def _free(inside: Inside) -> float:
    number = inside.ask(STORY, TELL)
    while not inside.frames[number]:
        inside.slots.step()
    began = time.process_time()
    inside.work()
    return (time.process_time() - began) / (usage(inside.frames[number])["completion_tokens"] - 1)


def _together(path: Path) -> list[Row]:
    """Four sequences against one after the other: decoding with short contexts, and end to end with prompts."""
    decoding, whole = [], []
    for _ in range(ROUNDS):
        one, four = _inside(path, sequences=1), _inside(path)
        chats = [[Message("user", f"Tell a story about {what}.")] for what in ("a boat", "a dog", "rain", "a king")]
        decoding.append(_decoding(one, chats) / _decoding(four, chats))
        chats = [[Message("user", f"{at} " + "Which of these lines is wrong? " * 40)] for at in range(4)]
        whole.append(_seconds(one, chats) / _seconds(four, chats))
    gain, end = statistics.median(decoding), statistics.median(whole)
    return [
        Row("4 sequences against 1, decoding with short contexts", gain, "≥ 1.2", "x", gain >= 1.2),
        Row("4 sequences against 1, end to end with prompts of 290 tokens", end, "≥ 0.95", "x", end >= 0.95),
    ]


def _decoding(inside: Inside, chats: list[list[Message]]) -> float:
    """Seconds of llama_decode for these answers, without their prompts: those are evaluated before."""
    for chat in chats:
        inside.answer((Write("text", 1),), chat)
    before = inside.slots.computing
    numbers = [inside.ask(STORY, chat) for chat in chats]
    inside.work()
    return (inside.slots.computing - before) / sum(usage(inside.frames[n])["completion_tokens"] for n in numbers)


def _seconds(inside: Inside, chats: list[list[Message]]) -> float:
    began = time.process_time()
    for chat in chats:
        inside.ask((Write("text", 32, grammar=ENDLESS),), chat)
    inside.work()
    return time.process_time() - began


def _joining(path: Path) -> list[Row]:
    """Three answers are under way when a prompt of 1,000 tokens joins: how long their next tokens take."""
    inside = _inside(path)
    for at in range(3):
        inside.ask((Write("text", 600, grammar=ENDLESS),), [Message("user", f"Tell {at}.")])
    inside.work(20)
    normal = statistics.median(_timed(inside.slots.step) for _ in range(30))
    number = inside.ask((Write("text", 1),), [Message("user", "word " * 1000)])
    steps = []
    while not inside.frames[number]:
        steps.append(_timed(inside.slots.step))
    usual, worst = statistics.median(steps) / normal, max(steps) / normal
    return [
        Row("a step while a prompt of 1,000 tokens joins, median", usual, "≤ 3", "x", usual <= 3),
        Row("a step while a prompt of 1,000 tokens joins, longest", worst, "", "x", None),
        Row("steps that the prompt took", len(steps), "", "steps", None),
    ]


def _stopping(path: Path) -> list[Row]:
    """A prompt is cancelled while it is evaluated, another request goes on decoding."""
    inside = _inside(path)
    stops, frees = [], []
    for at in range(STOPS):
        number = inside.ask((Write("text", 1),), [Message("user", f"{at} " + "word " * 2000)])
        inside.work(2)
        asked: list[float] = []

        def cancel(number: int = number, asked: list[float] = asked) -> None:
            time.sleep(0.05)  # in the middle of a step
            asked.append(time.perf_counter())
            inside.slots.interrupt(number)

        thread = threading.Thread(target=cancel)
        thread.start()
        inside.slots.step()
        while not asked:
            inside.slots.step()
        stopped = time.perf_counter()
        inside.service.take({"op": "cancel", "id": number})
        freed = time.perf_counter()
        thread.join()
        stops.append(1000 * (stopped - asked[0]))
        frees.append(1000 * (freed - asked[0]))
    stop, free = max(stops), max(frees)
    return [
        Row("cancel: a running prompt stops, longest of 20", stop, "≤ 40", "ms", stop <= 40),
        Row("cancel: its memory is free, longest of 20", free, "≤ 50", "ms", free <= 50),
    ]


def _giving_way(path: Path) -> list[Row]:
    """The first token of an interactive request, alone and while four of the background decode."""
    alone, beside = [], []
    for at in range(ROUNDS):
        chat = [Message("user", f"{at}. " + "Which of these lines is wrong? " * 20)]
        alone.append(_first(_inside(path), chat))
        inside = _inside(path)
        for other in range(4):
            text = [Message("user", f"Tell {other}.")]
            inside.ask((Write("text", 600, grammar=ENDLESS),), text, background=True)
        inside.work(12)
        beside.append(_first(inside, chat))
    ratio = statistics.median(beside) / statistics.median(alone)
    return [
        Row("first token beside background work, against an idle worker", ratio, "≤ 1.3", "x", ratio <= 1.3),
    ]


def _first(inside: Inside, chat: list[Message]) -> float:
    began = time.perf_counter()
    number = inside.ask((Write("text", 1),), chat)
    while not inside.frames[number]:
        inside.slots.step()
    return time.perf_counter() - began


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
