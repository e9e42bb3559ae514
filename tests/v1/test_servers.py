"""Servers behind /v1, and /v1 as a server: maw's own runner is one that speaks OpenAI's API."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from maw import paths
from maw.config.load import load
from maw.proxy import token
from maw_remote.engine.interface import Field, Message, Request, Text, Usage
from maw_remote.engine.openai.backend import ServerEngine
from maw_remote.engine.openai.known import Memory
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from tests.engine.openai.test_backend import configure
from tests.fixtures.model import NAME
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.runner import RunnerProcess
from tests.v1.conftest import Proxy, client_of_socket


def test_a_servers_models_through_v1(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    runner = RunnerProcess("maw_remote start --foreground").start()
    try:
        with client_of_socket(paths.runner_socket()) as client:
            chat: Any = [{"role": "user", "content": "SAY hello"}]
            assert client.chat.completions.create(model="a/plain", messages=chat).choices[0].message.content == "hello"
            vectors = client.embeddings.create(model="a/plain", input=["x", "y"])  # the client asks for base64
            assert [len(entry.embedding) for entry in vectors.data] == [2, 2]
            assert math.isclose(math.hypot(*vectors.data[0].embedding), 1.0, rel_tol=1e-6)
            floats = client.embeddings.create(model="a/plain", input="x", encoding_format="float")
            assert floats.data[0].embedding == [0.6, 0.8] and floats.usage.prompt_tokens == 1
            for model, status in (("b/plain", 404), ("a/fails", 502), ("a/nothing", 503), ("a/html", 502)):
                with pytest.raises(openai.APIStatusError) as caught:
                    client.chat.completions.create(model=model, messages=chat)
                assert caught.value.status_code == status, model
            with pytest.raises(openai.APIError, match="model crashed"):
                list(client.chat.completions.create(model="a/late-error", messages=chat, stream=True))
    finally:
        runner.stop()
        runner.end()


@pytest.mark.slow
@pytest.mark.model
def test_a_runner_as_the_server_of_another(
    home: Path, model_runner: RunnerProcess, start_proxy: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend against a real server with a real model: what a review asks, as a JSON schema through our grammar."""
    proxy = start_proxy()
    monkeypatch.setenv("PROXY_TOKEN", token.read())
    with open(home / "config.toml", "a") as file:  # the runner, which reads it too, goes on as it is
        file.write(f'[backends.a]\nurl = "{proxy.url}"\nkey_env = "PROXY_TOKEN"\n')
    line = Pick("line", tuple(Option(f"{number}\n", str(number)) for number in range(3, 9)))
    finding = Option("- Line: ", "yes", (line, Say("Title: "), Write("title", 4, ("\n",))))
    program: Program = (Pick("finding", (Option("none\n", "no"), finding)),)

    async def work() -> list[Text | Field | Usage]:
        memory = Memory(str(home / "servers.json"))
        engine = ServerEngine(load(), memory)
        try:
            messages = [Message("system", "Judge the added lines."), Message("user", "3: x = 1 / 0")]
            found = [part async for part in engine.run(f"a/{NAME}", Request(messages, program, temperature=0.0))]
            assert memory.get(proxy.url, NAME).shape == "json"
            assert await engine.context(f"a/{NAME}") == 4096
            return found
        finally:
            await engine.close()

    parts = asyncio.run(work())
    usage = parts[-1]
    assert isinstance(usage, Usage) and usage.prompt_tokens > 10 and usage.completion_tokens > 2
    fields = [part for part in parts if isinstance(part, Field)]
    assert fields[0].name == "finding" and fields[0].value in ("yes", "no")
    if fields[0].value == "yes":
        assert 3 <= int(fields[1].value) < 9 and fields[2].name == "title"
