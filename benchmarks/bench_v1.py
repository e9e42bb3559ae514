"""The first token of a chat as editors ask for it, beside the task API: /v1 on the runner's socket, and through
`maw proxy`, on the socket and over a warm link (real sshd and gate).

The model is the tiny one, loaded, and the prompt known to it: what is left is the way. A task's first text has the
durable queue and its event log in it, and the review's own prompt.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx2
from openai import OpenAI

from benchmarks.machines import MODEL, air_and_pro, install_model
from benchmarks.rows import Row
from maw import client, paths, reach
from maw.proxy import token
from tests.fixtures.runner import RunnerProcess

ROUNDS = 15
SETTINGS = f'roles.manager = "{MODEL}"\nroles.generator = "{MODEL}"\nrunner.threads = 1\n'
CHAT: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Say hello."}]
DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = x / {n}\n"
_numbers = count(1)


def run() -> list[Row]:
    with air_and_pro(SETTINGS):
        install_model()
        runner = RunnerProcess("maw_remote start --foreground").start()
        try:
            with _clients() as ways:
                return [*_first_tokens(ways), _task()]
        finally:
            runner.stop()


@contextmanager
def _clients() -> Iterator[dict[str, OpenAI]]:
    socket = httpx2.Client(transport=httpx2.HTTPTransport(uds=paths.runner_socket()), timeout=60)
    with _proxy(reach.LOCAL) as near, _proxy("pro") as far:
        yield {
            "on the socket": OpenAI(base_url="http://maw/v1", api_key="none", http_client=socket, max_retries=0),
            "through the proxy, same machine": OpenAI(base_url=near, api_key=token.read(), max_retries=0),
            "through the proxy, warm link": OpenAI(base_url=far, api_key=token.read(), max_retries=0),
        }


@contextmanager
def _proxy(node: str) -> Iterator[str]:
    command = [sys.executable, "-m", "maw", "proxy", "--port", "0", "--json", "--node", node]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["base_url"]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def _first_tokens(ways: dict[str, OpenAI]) -> Iterator[Row]:
    """In turns, so that a busy machine disturbs all alike."""
    for way in ways.values():
        _first_token(way)
    rounds = [{name: _first_token(way) for name, way in ways.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(one[name] for one in rounds) for name in ways}
    for name, value in medians.items():
        yield Row(f"first token of a chat by /v1, {name}, p50", value, "", "ms", None)
    socket, *others = medians.values()
    for name, value in zip(list(medians)[1:], others, strict=True):
        yield Row(f"what it costs to go {name}", value - socket, "", "ms", None)


def _first_token(way: OpenAI) -> float:
    began = time.perf_counter()
    with way.chat.completions.create(model=MODEL, messages=CHAT, max_tokens=2, temperature=0, stream=True) as stream:
        next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        return (time.perf_counter() - began) * 1000


def _task() -> Row:
    """From the submit of a review to its first text, the review's prompt known but for the change."""
    times = [_first_text() for _ in range(6)][1:]
    name = "first text of a review by the task API, on the socket, p50 (its own prompt)"
    return Row(name, statistics.median(times), "", "ms", None)


def _first_text() -> float:
    diff = base64.b64encode(DIFF.format(n=next(_numbers)).encode()).decode()
    payload = {"v": 1, "title": "x", "diff": diff, "rules": [], "exclude": [], "skipped": []}
    began = time.perf_counter()
    found = client.submit(reach.LOCAL, {"kind": "review", "payload": payload})
    for event in client.events(reach.LOCAL, found["id"]):
        if event.type in ("text", "done"):
            break
    took = (time.perf_counter() - began) * 1000
    client.cancel(reach.LOCAL, found["id"])
    return took
