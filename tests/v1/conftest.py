"""The `openai` client, unmodified, against a real runner with the real tiny model, over the runner's own socket."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from maw import paths
from maw.proxy import token
from tests.fixtures.model import EmbeddedModel
from tests.fixtures.runner import RunnerProcess


def client_of_socket(path: str) -> OpenAI:
    http = httpx2.Client(transport=httpx2.HTTPTransport(uds=path), timeout=60)
    return OpenAI(base_url="http://maw/v1", api_key="none", http_client=http, max_retries=0)


@pytest.fixture
def model_runner(embedded_model: EmbeddedModel) -> Iterator[RunnerProcess]:
    """The real program, with the tiny model in both roles."""
    runner = RunnerProcess("maw_remote start --foreground").start()
    yield runner
    runner.stop()
    runner.end()


@pytest.fixture
def openai_client(model_runner: RunnerProcess) -> Iterator[OpenAI]:
    with client_of_socket(paths.runner_socket()) as client:
        yield client


class Proxy:
    """A real `maw proxy` on a free port."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "maw", "proxy", "--port", "0", "--json", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.url = str(self.said["base_url"])
        self.port = int(self.url.rpartition(":")[2].partition("/")[0])

    def client(self, key: str | None = None) -> OpenAI:
        return OpenAI(base_url=self.url, api_key=key or token.read(), max_retries=0, timeout=60)

    def raw(self, request: bytes) -> bytes:
        """All that comes back for these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            sock.sendall(request)
            found = b""
            while piece := sock.recv(65536):
                found += piece
        return found

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)


@pytest.fixture
def start_proxy() -> Iterator[Callable[..., Proxy]]:
    started: list[Proxy] = []

    def start(*options: str) -> Proxy:
        started.append(Proxy(*options))
        return started[-1]

    yield start
    for proxy in started:
        proxy.process.kill()
        proxy.process.wait()
