"""What editors and scripts get: the `openai` client, unmodified, against a real runner with the real tiny model."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import httpx2
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, Field

from maw import paths
from tests.fixtures.model import NAME
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.waiting import eventually

pytestmark = pytest.mark.model
HELLO: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Say hello."}]


class City(BaseModel):
    name: str = Field(max_length=12)
    size: int = Field(ge=1, le=99)
    tags: list[Literal["old", "new"]] = Field(max_length=2)


def refusal(call: Any, **more: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        call(**more)
    return caught.value


def test_chats_models_and_refusals(openai_client: OpenAI, model_runner: RunnerProcess) -> None:
    """One runner, many requests: starting it and loading the model is what takes the time."""
    client = openai_client
    a_worker_that_does_not_start(client)
    whole_answers(client)
    streams(client)
    stops_and_limits(client)
    log_probabilities(client)
    structured(client)
    bare_prompts(client)
    vectors(client)
    models(client)
    refusals(client)
    malformed()
    assert model_runner.request("GET", "/status")["pid"] == model_runner.pid


def a_worker_that_does_not_start(client: OpenAI) -> None:
    """What went wrong once is tried again when somebody asks."""
    folder = Path(paths.runner_dir(), "workers")
    folder.write_text("in the way")
    for name in ("manager", NAME):
        assert refusal(client.chat.completions.create, model=name, messages=HELLO).status_code == 503
    folder.unlink()


def whole_answers(client: OpenAI) -> None:
    found = client.chat.completions.create(model="manager", messages=HELLO, max_tokens=8, temperature=0, seed=1)
    assert (found.object, found.model, len(found.choices)) == ("chat.completion", NAME, 1)
    assert found.id.startswith("chatcmpl-") and found.system_fingerprint
    assert found.choices[0].message.role == "assistant" and found.choices[0].message.content
    assert found.usage is not None
    assert 0 < found.usage.completion_tokens <= 8
    assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
    again = client.chat.completions.create(model=NAME, messages=HELLO, max_completion_tokens=8, temperature=0)
    assert again.usage is not None and again.usage.prompt_tokens_details is not None
    assert again.usage.prompt_tokens_details.cached_tokens
    parts: Any = [{"role": "developer", "content": [{"type": "text", "text": "Be short."}]}, *HELLO[1:]]
    assert client.chat.completions.create(model=NAME, messages=parts, max_tokens=2).choices[0].message.content


def streams(client: OpenAI) -> None:
    asked: Any = {"model": "generator", "messages": HELLO, "max_tokens": 8, "temperature": 0, "stream": True}
    chunks = list(client.chat.completions.create(**asked, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    whole = client.chat.completions.create(**(asked | {"stream": False}))
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] in ("stop", "length")
    assert chunks[-1].choices == [] and chunks[-1].usage is not None and chunks[-1].usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.choices for chunk in client.chat.completions.create(**asked))  # no usage was asked for


def stops_and_limits(client: OpenAI) -> None:
    asked: Any = {"model": NAME, "messages": [{"role": "user", "content": "Count to three."}], "temperature": 0}
    cut = client.chat.completions.create(**asked, max_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    letter = next(
        char
        for char in str(client.chat.completions.create(**asked, max_tokens=12).choices[0].message.content)[1:]
        if char.isalpha()
    )
    stopped = client.chat.completions.create(**asked, max_tokens=12, stop=[letter, "\0never"])
    assert letter not in str(stopped.choices[0].message.content)
    assert stopped.choices[0].finish_reason == "stop"


def log_probabilities(client: OpenAI) -> None:
    asked: Any = {"model": NAME, "messages": HELLO, "max_tokens": 4, "temperature": 0}
    found = client.chat.completions.create(**asked, logprobs=True, top_logprobs=3)
    logprobs = found.choices[0].logprobs
    assert logprobs is not None and logprobs.content
    text = b"".join(bytes(token.bytes or []) for token in logprobs.content).decode("utf-8", "replace")
    assert text.startswith(str(found.choices[0].message.content))
    for token in logprobs.content:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.logprob == pytest.approx(max(top.logprob for top in token.top_logprobs), abs=1e-4)
    chunks = list(client.chat.completions.create(**asked, logprobs=True, stream=True))
    told = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert sum(len(one.content or []) for one in told) == len(logprobs.content)


def structured(client: OpenAI) -> None:
    asked: Any = {"model": NAME, "messages": [{"role": "user", "content": "Name a city, as JSON."}], "temperature": 1.5}
    for seed in range(2):
        parsed = client.chat.completions.parse(**asked, seed=seed, response_format=City)
        city = parsed.choices[0].message.parsed
        assert city is not None and 1 <= city.size <= 99 and len(city.tags) <= 2
    any_json = client.chat.completions.create(**asked, max_tokens=24, response_format={"type": "json_object"})
    assert str(any_json.choices[0].message.content).startswith("{")
    wrong = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": wrong}}
    error = refusal(client.chat.completions.create, **asked, response_format=form)
    assert (error.status_code, error.param) == (400, "response_format.json_schema.schema.properties.a.pattern")


def bare_prompts(client: OpenAI) -> None:
    found = client.completions.create(model=NAME, prompt="def add(a, b):", max_tokens=6, temperature=0, logprobs=2)
    assert found.object == "text_completion" and found.choices[0].text
    logprobs = found.choices[0].logprobs
    assert logprobs is not None and logprobs.tokens and logprobs.top_logprobs
    assert logprobs.text_offset == [sum(map(len, logprobs.tokens[:at])) for at in range(len(logprobs.tokens))]
    chunks = list(client.completions.create(model=NAME, prompt=["Once"], max_tokens=4, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) and chunks[-1].choices[0].finish_reason


def vectors(client: OpenAI) -> None:
    found = client.embeddings.create(model=NAME, input=["a cat", "a cat", "a parser"])
    first, second, third = (entry.embedding for entry in found.data)
    assert len(first) == len(third) > 100 and found.usage.prompt_tokens > 4
    assert math.isclose(math.hypot(*first), 1.0, rel_tol=1e-3)
    assert first == pytest.approx(second, abs=1e-3) and first != pytest.approx(third, abs=1e-3)


def models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["manager", "generator", NAME]
    assert client.models.retrieve(NAME).id == NAME
    assert refusal(client.models.retrieve, model="none").code == "model_not_found"
    model = json.loads(Path(paths.model_dir(), f"{NAME}.json").read_text())["path"]
    Path(paths.catalogue_file()).write_text(f'[models.mine]\nsource = "path:{model}"\n')
    assert client.models.retrieve("mine").id == "mine"  # a file that is there needs no pull
    assert client.chat.completions.create(model="mine", messages=HELLO, max_tokens=2).choices


def refusals(client: OpenAI) -> None:
    asked: Any = {"model": NAME, "messages": HELLO}
    create = client.chat.completions.create
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {}}}
    image: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"n": 2}, "n"), ({"tools": [tool]}, "tools"), ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"messages": image}, "messages[0].content[0]"), ({"temperature": 3}, "temperature"),
        ({"top_logprobs": 2}, "top_logprobs"), ({"extra_body": {"top_k": 5}}, "top_k"),
        ({"messages": []}, "messages"), ({"stop": [""]}, "stop"), ({"stop": ["x"] * 17}, "stop"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages[0]"),
        ({"response_format": {"type": "xml"}}, "response_format.type"), ({"max_tokens": 0}, "max_tokens"),
        ({"seed": True}, "seed"), ({"extra_body": {"stream": 1}}, "stream"),
    ]  # fmt: skip
    for more, param in cases:
        error = refusal(create, **(asked | more))
        assert (error.status_code, error.param) == (400, param), more
        assert isinstance(error, openai.BadRequestError)
    error = refusal(create, **(asked | {"model": "none"}))
    assert (error.status_code, error.code, error.param) == (404, "model_not_found", "model")
    long = refusal(create, **(asked | {"messages": [{"role": "user", "content": "word " * 9000}]}))
    assert (long.status_code, long.code) == (400, "context_length_exceeded")
    assert refusal(client.responses.create, model=NAME, input="x").status_code == 404
    assert refusal(client.embeddings.create, model=NAME, input=[[1, 2]]).param == "input"


def malformed() -> None:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=paths.runner_socket()), base_url="http://maw") as http:
        for body in (b"", b"[]", b"{", b'{"model": "\xff"}', b"[" * 100_000):
            answer = http.post("/v1/chat/completions", content=body)
            assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error"), body[:20]
        answer = http.get("/v1/chat/completions")
        assert answer.status_code == 405 and "message" in answer.json()["error"]


def test_a_client_that_leaves_ends_the_work(openai_client: OpenAI, model_runner: RunnerProcess) -> None:
    asked: Any = {"model": NAME, "messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 1500}

    def busy() -> int:
        listed = model_runner.request("GET", "/models")["models"]
        return next((model.get("busy", 0) for model in listed if model["name"] == NAME), 0)

    stream = openai_client.chat.completions.create(**asked, stream=True)
    next(stream)
    assert busy() == 1
    stream.close()
    eventually(busy, lambda count: count == 0, timeout=5)
    with pytest.raises(openai.APITimeoutError):
        openai_client.chat.completions.create(**asked, timeout=0.5)
    eventually(busy, lambda count: count == 0, timeout=5)
    assert openai_client.chat.completions.create(**(asked | {"max_tokens": 2})).choices
