"""A whole review whose model is a server's: a real runner, a real server process, the review's own shape."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maw_remote.engine.interface import Message, Request
from maw_remote.engine.openai import asking
from maw_remote.engine.shape import gbnf, json_answer, plain
from maw_remote.jobs.review import shape, verification
from tests.engine.openai.test_backend import configure
from tests.engine.shape.programs import walk
from tests.engine.shape.test_answers import read
from tests.fixtures.grammars import Accepts
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually

DIFF = b"""diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1 +1,2 @@
 x = 1
+y = x / 0
"""


@pytest.fixture
def whole_runner(home: Path) -> Iterator[RunnerProcess]:
    runner = RunnerProcess("maw_remote start --foreground")
    yield runner
    runner.end()


def play(home: Path, server: OpenAIServer, model: str) -> None:
    """Let this server's model be the manager."""
    configure(home, server)
    path = home / "config.toml"
    path.write_text(f'roles.manager = "a/{model}"\n' + path.read_text())


def review(runner: RunnerProcess) -> dict[str, Any]:
    payload = {"v": 1, "title": "x", "diff": base64.b64encode(DIFF).decode(), "rules": [], "exclude": [], "skipped": []}
    task = runner.submit("review", **payload)
    found: dict[str, Any] = runner.wait(task["id"], "done", "failed", "dead")
    return found


def manager(runner: RunnerProcess) -> dict[str, Any]:
    return next(one for one in runner.request("GET", "/models")["models"] if "manager" in one.get("roles", ()))


def test_a_server_reviews(home: Path, openai_server: OpenAIServer, whole_runner: RunnerProcess) -> None:
    play(home, openai_server, "json")
    runner = whole_runner.start()
    found = review(runner)
    assert found["state"] == "done", found
    result = found["result"]
    assert (result["model"], result["units"]["failed"]) == ("a/json", 0)
    told = result["findings"] + result.get("rejected", [])
    assert told and told[0]["line"] == 2 and told[0]["confidence"] is None
    assert (manager(runner)["name"], manager(runner)["state"]) == ("a/json", "loaded")
    play(home, openai_server, "plain")  # it says hello, whatever it is asked: no answer is not clean
    eventually(lambda: manager(runner)["name"], lambda name: name == "a/plain")
    again = review(runner)
    assert again["state"] == "done" and again["result"]["units"] == result["units"] | {"done": 0, "failed": 1}
    assert runner.stop() == 0


def test_a_server_that_is_gone_is_told(home: Path, openai_server: OpenAIServer, whole_runner: RunnerProcess) -> None:
    play(home, openai_server, "refuses")
    found = review(whole_runner.start())
    assert (found["state"], found["error"]["code"]) == ("failed", "no_key")


def test_the_shapes_of_a_review_go_through_every_form(grammar_accepts: Accepts) -> None:
    for program in (shape.build(range(1, 120), shape.Limits()), verification.PROGRAM):
        grammar = gbnf.build(program)
        for seed in range(8):
            said = walk(program, seed)
            assert grammar_accepts(grammar, said.plain) or _named_twice(said.fields)
            for parse, text in ((plain.parse, said.plain), (json_answer.parse, said.json)):
                reading = read(parse, program, text)
                assert reading.fields == said.fields or _named_twice(said.fields)  # type: ignore[attr-defined]


def test_a_long_list_of_lines_does_not_fill_the_prompt() -> None:
    request = Request([Message("user", "x")], shape.build(range(1, 1000), shape.Limits()))
    asked = asking.ask(request, "m", "json")
    assert len(json.dumps(asked.body["response_format"])) > 10_000
    assert len(asked.body["messages"][0]["content"]) < 8_000
    assert shape.longest(shape.Limits()) < asked.max_tokens < 2 * shape.longest(shape.Limits())


def _named_twice(fields: list[Any]) -> bool:
    """Whether a random answer names a line again, which is no answer."""
    lines = [field.value for field in fields if field.name.endswith(".line")]
    return len({*lines}) != len(lines)
