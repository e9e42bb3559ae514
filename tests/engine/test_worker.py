"""A worker process by its frames, with a random model: the compute turn, cancels, snapshots, and its end."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maw_remote.engine import frames
from maw_remote.engine.program import Program, Write
from tests.engine import tiny

pytestmark = pytest.mark.model
Json = dict[str, Any]
CHAT = [["system", "Look for wrong results. " * 20], ["user", "x = 1"]]
STORY: Program = (Write("text", 40),)


class Process:
    """A worker, and what it said."""

    def __init__(self, directory: Path, limit: int | None = None, **config: Any) -> None:
        self.log = directory / "worker.log"
        self.said: list[Json] = []

        def bound() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "maw_remote.engine.worker"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, preexec_fn=bound,
            )  # fmt: skip
        path = directory / "tiny.gguf"
        settings = {"context": 2048, "cells": 4096, "threads": 1, "gpu_layers": 0, "sequences": 4}
        self.send({"op": "load", "path": str(path), **settings, **config})

    def send(self, message: Json) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(frames.encode(message))
        self.process.stdin.flush()

    def run(self, number: int, program: Program = STORY, messages: Any = CHAT, **more: Any) -> None:
        sampling = {"temperature": 0.0, "top_p": 1.0, "seed": 0, "shared": 0}
        asked = {"op": "run", "id": number, "messages": messages, "program": msgspec.to_builtins(program)}
        self.send({**asked, **sampling, **more})

    def until(self, wanted: Callable[[Json], bool]) -> Json:
        """The next frame that is wanted; beats are left out."""
        while True:
            assert self.process.stdout is not None
            frame = frames.read(self.process.stdout.read)
            assert frame is not None, self.log.read_text()
            if frame["op"] != "beat":
                self.said.append(frame)
                if wanted(frame):
                    return frame

    def end_of(self, number: int) -> Json:
        return self.until(lambda frame: frame.get("id") == number and frame["op"] not in ("text", "field"))

    def told(self, op: str) -> Json:
        return self.until(lambda frame: frame["op"] == op)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    pytest.importorskip("llama_cpp")
    tiny.make(tmp_path / "tiny.gguf")
    begun: list[Process] = []

    def begin(**config: Any) -> Process:
        begun.append(Process(tmp_path, **config))
        return begun[-1]

    yield begin
    for worker in begun:
        with worker.process as process:
            process.kill()


def test_it_loads_answers_and_ends_with_its_runner(start: Start) -> None:
    worker = start()
    ready = worker.told("ready")
    assert (ready["context"], ready["gpu"], ready["rollback"]) == (2048, False, True)
    for number in range(1, 7):
        worker.run(number, shared=1)
    ended = {worker.told("end")["id"] for _ in range(6)}
    assert ended == set(range(1, 7))
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(20) == 0


def test_it_computes_only_while_it_has_the_turn(start: Start) -> None:
    worker = start(turn=True)
    worker.told("ready")
    worker.run(1, background=True)
    assert worker.told("want")["interactive"] is False
    worker.run(2)
    assert worker.told("want")["interactive"] is True
    worker.send({"op": "count", "id": 3, "texts": ["one"]})  # what is no computing does not wait
    assert worker.end_of(3)["counts"]
    assert not [frame for frame in worker.said if frame.get("id") in (1, 2)]
    worker.send({"op": "turn", "on": True})
    assert worker.end_of(2)["op"] == "end"
    worker.send({"op": "turn", "on": False})
    worker.until(lambda frame: frame["op"] in ("paused", "idle"))
    worker.send({"op": "turn", "on": True})
    worker.told("idle")
    assert "end" in [frame["op"] for frame in worker.said if frame.get("id") == 1]


def test_a_turn_that_is_taken_back_is_given_back_in_the_middle_of_a_prompt(start: Start) -> None:
    worker = start(turn=True, context=4096, cells=8192)
    worker.told("ready")
    worker.send({"op": "turn", "on": True})
    worker.run(1, messages=[["user", "x" * 3800]])
    worker.send({"op": "turn", "on": False})
    worker.told("paused")
    assert not [frame for frame in worker.said if frame["op"] == "end"]
    worker.send({"op": "turn", "on": True})
    assert worker.end_of(1)["op"] == "end"


def test_a_cancelled_prompt_ends_and_the_others_go_on(start: Start) -> None:
    worker = start(context=4096, cells=8192)
    worker.told("ready")
    worker.run(1, (Write("text", 300),))
    worker.until(lambda frame: frame["op"] == "text")
    worker.run(2, messages=[["user", "x" * 3800]])
    worker.send({"op": "cancel", "id": 2})
    assert worker.end_of(1)["op"] == "end"
    worker.run(3)
    assert worker.end_of(3)["op"] == "end"
    assert not [frame for frame in worker.said if frame.get("id") == 2]


def test_vectors_have_length_one_and_tell_texts_apart(start: Start) -> None:
    worker = start()
    worker.told("ready")
    worker.run(1)
    worker.send({"op": "embed", "id": 2, "texts": ["one", "two " * 400, "one", ""]})
    one, long, again, nothing = worker.end_of(2)["vectors"]
    assert len(one) == tiny.WIDTH
    assert [sum(value * value for value in vector) for vector in (one, long)] == [pytest.approx(1.0)] * 2
    assert one == pytest.approx(again)
    assert one != pytest.approx(long)
    assert not any(nothing)


def test_a_snapshot_is_written_beside_the_work(start: Start, tmp_path: Path) -> None:
    worker = start()
    worker.told("ready")
    path = tmp_path / "one.prefix"
    worker.run(1, shared=1, prefix={"load": None, "save": str(path)})
    assert worker.end_of(1)["prefix"] == "saved"
    while not path.exists():
        time.sleep(0.01)
    other = start()
    other.told("ready")
    other.run(1, shared=1, prefix={"load": str(path), "save": None})
    end = other.end_of(1)
    assert (end["prefix"], end["cached_tokens"] > 256) == ("loaded", True)


def test_a_disk_that_is_full_costs_a_line_in_the_log_and_no_answer(start: Start, tmp_path: Path) -> None:
    worker = start(limit=4096)
    worker.told("ready")
    path = tmp_path / "one.prefix"
    worker.run(1, shared=1, prefix={"load": None, "save": str(path)})
    assert worker.end_of(1)["op"] == "end"
    while "one.prefix cannot be written" not in worker.log.read_text():
        time.sleep(0.01)
    assert not path.exists()
    worker.run(2, shared=1)
    assert worker.end_of(2)["cached_tokens"] > 256


@pytest.mark.parametrize("harm", ["truncated", "zero-filled", "another architecture", "gone"])
def test_a_file_that_is_no_model_is_told(start: Start, tmp_path: Path, harm: str) -> None:
    path = tmp_path / "tiny.gguf"
    whole = path.read_bytes()
    if harm == "another architecture":
        tiny.make(path, architecture="nothing-known")
    elif harm == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[: len(whole) // 2] if harm == "truncated" else bytes(len(whole)))
    worker = start()
    error = worker.told("error")
    assert (error["id"], error["code"]) == (0, "model_broken")
    assert worker.process.wait(20) == 0
    assert "error" in worker.log.read_text() or harm == "gone"
