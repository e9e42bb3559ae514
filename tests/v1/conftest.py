"""The `openai` client, unmodified, against a real runner with the real tiny model, over the runner's own socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI

from maw import paths
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
