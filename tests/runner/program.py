"""A real runner process whose jobs need no model: `python -m tests.runner.program [SETTING=NUMBER…]`.

Kinds: echo (answers its payload), slow (waits for a file to appear), crash, bad, defect, talk (streams text).
Each run of a job appends a line to the file `runs` in the state directory.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maw import api, paths
from maw.cli.failure import run as run_command
from maw.config.load import Config
from maw_remote import daemon
from maw_remote.engine.interface import CALLED_OFF, EngineError, Message
from maw_remote.jobs.interface import BadInput, Emit, Json
from maw_remote.runner.settings import Settings, from_config

SURROGATE = "a \ud800 b \U0001f98a"


class Echo:
    """The job of every kind here; what it does is in the payload."""

    def __init__(self, role: str = "manager") -> None:
        self.ROLE = role

    def configure(self, config: Config) -> None:
        return

    def check(self, payload: Json) -> None:
        if payload.get("refuse"):
            raise BadInput("this payload is refused")

    def fingerprint(self, payload: Json) -> bytes:
        return json.dumps(payload, sort_keys=True).encode()

    def warm(self, payload: Json) -> list[Message]:
        if payload.get("refuse"):
            raise BadInput("this payload is refused")
        return [Message("system", str(payload.get("rules", "")))] if "rules" in payload else []

    def title(self, payload: Json) -> str:
        return str(payload.get("title", ""))

    def recipe(self) -> bytes:
        return b"echo 1"

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Any, emit: Emit, since: float = 0.0
    ) -> Json:
        record("start", payload)
        for number in range(payload.get("texts", 0)):
            await emit("text", {"unit": "u1", "text": f"{number} "})
            await asyncio.sleep(payload.get("text_pause", 0))
        for number in range(payload.get("events", 0)):
            await emit("unit", {"unit": "u1", "path": "a.py", "state": "done", "done": number + 1, "total": 9})
        try:
            await until(payload.get("wait_for"))
        finally:
            await asyncio.sleep(payload.get("stubborn", 0))
        await asyncio.sleep(payload.get("sleep", 0))
        misbehave(payload)
        record("end", payload)
        if payload.get("surrogate") == "result":
            await emit("text", {"unit": "u1", "text": SURROGATE})
            return {"v": 1, "echo": SURROGATE}
        if payload.get("raise") == "no json":
            return {"v": float("nan")}
        return {"v": 1, "echo": payload.get("echo"), "model": model, "profile": profile}


def misbehave(payload: Json) -> None:
    if payload.get("surrogate") == "error":
        raise BadInput(SURROGATE)
    if payload.get("raise") == "give way" and not os.path.exists(os.path.join(paths.state_dir(), payload["until"])):
        raise EngineError(CALLED_OFF, "others wait", retry=True)
    if payload.get("raise") == "crash":
        raise EngineError("worker_lost", "the worker died", retry=True)
    if payload.get("raise") == "missing":
        raise EngineError("model_missing", "no such model", hint="pull it")
    if payload.get("raise") == "bad":
        raise BadInput("cannot be worked on")
    if payload.get("raise") == "defect":
        raise KeyError("secret content")
    if payload.get("raise") == "kill":
        os._exit(9)


async def until(name: str | None) -> None:
    """Wait until this file lies in the state directory."""
    while name is not None and not os.path.exists(os.path.join(paths.state_dir(), name)):
        await asyncio.sleep(0.01)


def record(what: str, payload: Json) -> None:
    with open(os.path.join(paths.state_dir(), "runs"), "a", encoding="ascii") as file:
        file.write(json.dumps([what, os.getpid(), payload.get("echo")]) + "\n")


class NoEngine:
    """An engine without models: `identity` is the content of a file, so that tests can change the profile."""

    def identity(self, model: str) -> str:
        if os.path.exists(os.path.join(paths.state_dir(), "by-name")):
            return model
        try:
            with open(os.path.join(paths.state_dir(), "identity"), "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()
        except FileNotFoundError:
            return "missing"

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        raise EngineError("model_missing", "there are no models here")

    async def context(self, model: str) -> int:
        raise EngineError("model_missing", "there are no models here")

    def run(self, model: str, request: Any) -> Any:
        raise EngineError("model_missing", "there are no models here")

    def parallel(self, model: str) -> int:
        """One task at a time, unless a file says how many."""
        path = Path(paths.state_dir()) / "parallel"
        return int(path.read_text()) if path.exists() else 1

    async def warm(self, model: str, messages: Sequence[Any]) -> None:
        record("warm", {"echo": [model, *(message.text for message in messages)]})

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        raise EngineError("model_missing", "there are no models here")

    async def load(self, model: str) -> None:
        raise EngineError("model_missing", "there are no models here")

    async def unload(self, model: str) -> None:
        return

    def working(self) -> bool:
        return os.path.exists(os.path.join(paths.state_dir(), "working"))

    def models(self) -> list[api.Model]:
        return [api.Model(name="none", state="available", roles=["manager"])]

    async def close(self) -> None:
        return


def main(arguments: list[str], jobs: dict[str, Any] | None = None) -> int:
    """`SETTING=NUMBER` changes a field of Settings; `--ready-fd=N` is the daemon's."""
    options: dict[str, float] = {}
    ready_fd = None
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--ready-fd":
            ready_fd = int(value)
        else:
            options[name] = int(value) if value.isdigit() else float(value)
    jobs = jobs or {"echo": Echo(), "review": Echo(), "generate": Echo("generator")}

    def settings(config: Config) -> Settings:
        models = {"manager": "m", "generator": "g"}
        models |= {role: config[f"roles.{role}"] for role in models if config.origins[f"roles.{role}"] != "default"}
        return from_config(config)._replace(models=models, **options)

    return daemon.run(lambda _: daemon.Program(jobs, NoEngine()), settings=settings, ready_fd=ready_fd, to_stderr=False)


if __name__ == "__main__":
    import click

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def program(arguments: tuple[str, ...]) -> int:
        return main(list(arguments))

    sys.exit(run_command(program, sys.argv[1:], name="program"))
