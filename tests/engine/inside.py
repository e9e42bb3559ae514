"""A worker's service in the test's own process, over a random model: requests in, the parts of their answers out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from maw_remote.engine.interface import Message
from maw_remote.engine.program import Option, Pick, Program, Say, Score, Step, Write
from maw_remote.engine.serving import Service

Json = dict[str, Any]
CHAT = [Message("system", "You review code. " * 8), Message("user", "1| x = 1")]


class Inside:
    def __init__(self, path: Path, **config: Any) -> None:
        self.frames: dict[int, list[Json]] = {}
        self.saved: list[tuple[str, bytes, int, bytes]] = []
        settings = {"context": 1024, "cells": 4096, "threads": 1, "gpu_layers": 0, "sequences": 4, **config}
        self.service = Service({"path": str(path), **settings}, self._take, lambda *one: self.saved.append(one))
        self.slots = self.service.slots
        self._next = 1

    def ask(self, program: Program, messages: Sequence[Message] = CHAT, **more: Any) -> int:
        """Begin a request; its number."""
        request = {"temperature": 0.0, "top_p": 1.0, "seed": 0, "shared": 0, **more}
        return self.send({"op": "run", "messages": messages, "program": msgspec.to_builtins(program), **request})

    def send(self, request: Json) -> int:
        number, self._next = self._next, self._next + 1
        self.frames[number] = []
        self.service.take(msgspec.json.decode(msgspec.json.encode({**request, "id": number})))
        return number

    def work(self, steps: int = 100_000) -> None:
        """Do all there is to do."""
        while self.slots.busy and steps:
            assert self.slots.step() or not self.slots.busy, "there is work, and nobody gets rows"
            steps -= 1

    def answer(self, program: Program, messages: Sequence[Message] = CHAT, **more: Any) -> list[Json]:
        """All frames of one request."""
        number = self.ask(program, messages, **more)
        self.work()
        return self.frames[number]

    def _take(self, frame: Json) -> None:
        msgspec.json.encode(frame)  # NaN would be null
        self.frames[frame["id"]].append(frame)


def fields(frames: list[Json]) -> dict[str, Json]:
    return {frame["name"]: frame for frame in frames if frame["op"] == "field"}


def usage(frames: list[Json]) -> Json:
    assert frames[-1]["op"] in ("end", "warmed"), frames[-1]
    return frames[-1]


def written(program: Program, frames: list[Json]) -> str:
    """The answer's text, put together from the program and what was told of its fields. Checks what was told."""
    told = iter([frame for frame in frames if frame["op"] == "field"])
    taken: dict[str, str] = {}
    text = "".join(_written(step, told, taken, frames) for step in program)
    assert next(told, None) is None
    return text


def _written(step: Step, told: Any, taken: dict[str, str], frames: list[Json]) -> str:
    if isinstance(step, Say):
        return step.text
    field = next(told)
    assert field["name"] == step.name
    if isinstance(step, Score):
        assert 0 <= field["probability"] <= 1
        return step.text
    if isinstance(step, Write):
        streamed = "".join(f["text"] for f in frames if f["op"] == "text" and f["name"] == step.name)
        assert streamed == field["value"]
        assert not any(stop in field["value"] for stop in step.stop)
        assert field["probability"] is None and field["mass"] is None
        return str(field["value"])
    assert 0 < field["probability"] <= 1 + 1e-9 and 0 <= field["mass"] <= 1
    option = _option(step, field["value"], taken)
    taken[step.name] = option.value
    return option.text + "".join(_written(inner, told, taken, frames) for inner in option.then)


def _option(pick: Pick, value: str, taken: dict[str, str]) -> Option:
    excluded = {taken[name] for name in pick.unlike if name in taken}
    (option,) = [option for option in pick.options if option.value == value]
    assert value not in excluded
    return option
