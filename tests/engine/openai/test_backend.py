"""A backend of servers, against a real server process that works in many ways and fails in more."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from maw.config.load import load
from maw_remote.engine.interface import EngineError, Field, Message, Request, Text, Token, Usage
from maw_remote.engine.openai import trying
from maw_remote.engine.openai.backend import ServerEngine
from maw_remote.engine.program import Option, Pick, Program, Say, Write
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.ssh import free_port

T = TypeVar("T")
Part = Text | Field | Usage
TEXT: Program = (Write("text", 50),)
LINE = Pick("line", (Option("3\n", "3"), Option("14\n", "14")))
DETAILS: Program = (LINE, Say("Why: "), Write("why", 9, ("\n",)))
FINDING: Program = (Pick("finding", (Option("none\n", "no"), Option("Line: ", "yes", DETAILS))),)


def configure(home: Path, *servers: OpenAIServer | str, **settings: Any) -> None:
    """Backends a, b, … ; `settings` are a's."""
    lines = []
    for name, server in zip("abc", servers, strict=False):
        lines.append(f'[backends.{name}]\nurl = "{server if isinstance(server, str) else server.url}"')
        if name == "a":
            lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(lines))


def with_servers(work: Callable[[ServerEngine], Coroutine[Any, Any, T]]) -> T:
    async def body() -> T:
        engine = ServerEngine(load())
        try:
            return await asyncio.wait_for(work(engine), 60)
        finally:
            await engine.close()

    return asyncio.run(body())


def ask(say: str, program: Program = TEXT, **more: Any) -> Request:
    return Request([Message("user", f"SAY {say}" if say else "Hi.")], program, **more)


def run(model: str, request: Request) -> list[Part]:
    async def work(engine: ServerEngine) -> list[Part]:
        return [part async for part in engine.run(f"a/{model}", request)]

    return with_servers(work)


def fields(parts: list[Part]) -> list[tuple[str, str]]:
    return [(part.name, part.value) for part in parts if isinstance(part, Field)]


def failure(model: str, request: Request | None = None) -> EngineError:
    with pytest.raises(EngineError) as caught:
        run(model, request or ask("hello"))
    return caught.value


def asked(server: OpenAIServer, at: int = -1) -> dict[str, Any]:
    body: dict[str, Any] = server.seen()["requests"][at]["body"]
    return body


def test_a_text_streams_and_says_what_it_cost(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    *texts, field, usage = run("plain", ask("Hello, world \U0001f98a!", temperature=0.5, seed=7))
    assert [text.text for text in texts if isinstance(text, Text)] == ["Hello", ", wor", "ld \U0001f98a!"]
    assert field == Field("text", "Hello, world \U0001f98a!")
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.finish) == (7, 2, 3, "stop")
    assert 0 < usage.first_token_ms <= usage.elapsed_ms
    body = asked(openai_server)
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.5, 7, 50)
    assert len(openai_server.seen()["requests"]) == 1  # nothing had to be found out


@pytest.mark.parametrize("model", ["plain", "grammar"])
def test_a_shape_as_a_grammar_or_by_asking_alone(home: Path, openai_server: OpenAIServer, model: str) -> None:
    configure(home, openai_server)
    parts = run(model, ask("Line: 14\nWhy: it fails\n", FINDING))
    assert fields(parts) == [("finding", "yes"), ("line", "14"), ("why", "it fails")]
    assert ("grammar" in asked(openai_server)) is (model == "grammar")


def test_a_shape_as_a_schema(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    assert fields(run("json", ask("", FINDING))) == [("finding", "yes"), ("line", "14"), ("why", "it fails")]
    assert "JSON" in asked(openai_server)["messages"][0]["content"]


def test_a_schema_that_is_refused_is_asked_for_in_words(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    assert fields(run("refuses-schemas", ask("none\n", FINDING))) == [("finding", "no")]


def test_what_a_server_can_is_found_out_once(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    for _ in range(2):
        run("plain", ask("none\n", FINDING))
    assert len(openai_server.seen()["requests"]) == 4  # two probes, two answers
    configure(home, openai_server, shape="grammar")
    run("plain", ask("none\n", FINDING))
    assert "grammar" in asked(openai_server)


def test_what_a_server_can_is_not_found_out_while_it_answers_nothing(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    error = failure("absent", ask("", FINDING))
    assert (error.code, error.retry) == ("model_missing", False) and "model not found" in error.message
    assert fields(run("absent", ask("", FINDING)))[0] == ("finding", "yes")
    assert "response_format" in asked(openai_server)


def test_a_server_that_refuses_all_shapes_is_asked_in_words(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    for _ in range(2):
        assert fields(run("knows-no-shapes", ask("none\n", FINDING))) == [("finding", "no")]
    assert len(openai_server.seen()["requests"]) == 5  # two probes, whether it answers at all, two answers


def test_what_the_shape_does_not_allow_is_no_answer(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    error = failure("plain", ask("Line: 7\nWhy: it fails\n", FINDING))
    assert (error.code, error.retry) == ("bad_answer", False)
    assert error.message == "a/plain: the answer has something else than an option of 'line', after 6 characters"


def test_of_a_cut_answer_what_is_whole_counts(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    parts = run("cut", ask("Line: 14\nWhy: it fa", FINDING))
    assert fields(parts)[:2] == [("finding", "yes"), ("line", "14")]
    assert isinstance(parts[-1], Usage) and parts[-1].finish == "length"


def test_a_grammar_of_our_own_needs_a_server_that_takes_one(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    held: Program = (Write("text", 9, grammar='root ::= "yes"\n'),)
    assert failure("plain", ask("yes", held)).code == "unsupported"
    assert fields(run("grammar", ask("yes", held))) == [("text", "yes")]


def test_a_server_that_does_not_stream(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    assert fields(run("whole", ask("all at once"))) == [("text", "all at once")]


def test_a_bare_prompt(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    run("plain", Request([], (Write("text", 5, ("\n",)),), prompt="def f("))
    seen = openai_server.seen()["requests"][-1]
    assert (seen["path"], seen["body"]["prompt"], seen["body"]["stop"]) == ("/v1/completions", "def f(", ["\n"])


def test_usage_that_cannot_be_is_not_believed(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    usage = run("usage", ask("some words"))[-1]
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (5, 0, 2)


def test_log_probabilities(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    text = run("logprobs", ask("", (Write("text", 5, logprobs=1),)))[0]
    assert text == Text("text", "A", (Token(b"A", -0.5, ((b"B", -9999.0),)),))
    assert asked(openai_server)["top_logprobs"] == 1


@pytest.mark.parametrize(
    ("model", "code", "retry", "said"),
    [
        ("fails", "server_failed", True, "answered 500: out of memory"),
        ("refuses", "no_key", False, "answered 401: bad key"),
        ("moves", "server_refused", False, "answered 307"),
        ("half", "server_lost", True, "ended its answer in the middle"),
        ("in-json", "server_lost", True, "ended its answer in the middle"),
        ("garbage", "bad_answer", False, "sent something that is not JSON"),
        ("no-answer", "bad_answer", False, "sent JSON that is no part of an answer"),
        ("long-line", "bad_answer", False, "sent a line without an end"),
        ("nothing", "server_lost", True, "broke"),
        ("html", "bad_answer", False, "sent text/html"),
        ("late-error", "server_failed", True, "the model crashed"),
        ("keeps-alive", "server_silent", True, "was silent for 0.5 s"),
        ("sleeps", "server_silent", True, "was silent for 0.5 s"),
    ],
)
def test_a_server_that_fails(
    home: Path, openai_server: OpenAIServer, model: str, code: str, retry: bool, said: str
) -> None:
    configure(home, openai_server, timeout="500ms")
    error = failure(model)
    assert (error.code, error.retry) == (code, retry)
    assert said in error.message and "\n" not in error.message
    assert len(openai_server.seen()["requests"]) == 1  # it may have begun to work: nothing is sent twice


def test_an_answer_without_end_is_cut(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    parts = run("endless", ask("", (Write("text", 8),)))
    assert isinstance(parts[-1], Usage) and parts[-1].finish == "length"
    assert fields(parts) == [("text", ("la " * 32)[:32])]


def test_a_closed_stream_ends_the_connection(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)

    async def work(engine: ServerEngine) -> None:
        async with aclosing(engine.run("a/slow", ask(""))) as parts:  # type: ignore[type-var]
            assert isinstance(await anext(parts), Text)
            assert engine.working()
        assert not engine.working()
        while not (await asyncio.to_thread(openai_server.seen))["left"]:
            await asyncio.sleep(0.02)

    with_servers(work)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "PAUSES", (0.01,) * 4)


@pytest.mark.parametrize(("model", "requests"), [("busy", 3), ("loading", 5)])
def test_a_busy_server_is_waited_for(
    home: Path, openai_server: OpenAIServer, impatient: None, model: str, requests: int
) -> None:
    configure(home, openai_server)
    assert fields(run(model, ask("at last"))) == [("text", "at last")]
    assert len(openai_server.seen()["requests"]) == requests


def test_a_server_that_stays_busy_is_told(home: Path, openai_server: OpenAIServer, impatient: None) -> None:
    configure(home, openai_server)
    error = failure("limits")
    assert (error.code, error.retry) == ("server_busy", True) and "answered 429: slow down" in error.message
    assert len(openai_server.seen()["requests"]) == 5


def test_another_server_stands_in(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, f"http://127.0.0.1:{free_port()}/v1", openai_server, failover="b")

    async def work(engine: ServerEngine) -> None:
        for _ in range(2):
            parts = [part async for part in engine.run("a/plain", ask("from b"))]
            assert fields(parts) == [("text", "from b")]

    with_servers(work)


def test_no_server_stands_in_once_an_answer_has_begun(home: Path, openai_servers: Callable[[], OpenAIServer]) -> None:
    first, second = openai_servers(), openai_servers()
    configure(home, first, second, failover="b")
    assert failure("half").code == "server_lost"
    assert second.seen()["requests"] == []


def test_a_server_that_is_not_there(home: Path) -> None:
    configure(home, f"http://127.0.0.1:{free_port()}/v1")
    error = failure("plain")
    assert (error.code, error.retry) == ("server_unreachable", True)
    assert "refuses connections" in error.message


def test_nothing_leaves_for_a_public_address_unless_it_is_allowed(home: Path) -> None:
    configure(home, "http://192.0.2.1:9/v1")  # reserved for documentation: private to nobody
    configure(home, "http://8.8.8.8:9/v1")
    began = time.monotonic()
    error = failure("plain")
    assert error.code == "public_server" and error.hint is not None
    assert "backends.a.public" in error.hint and time.monotonic() - began < 5


def test_the_key_is_sent_and_told_nowhere(
    home: Path, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, openai_server, key_env="SOME_KEY")
    assert failure("plain").code == "no_key"
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    run("plain", ask("x"))
    assert openai_server.seen()["requests"][-1]["authorization"] == "Bearer sk-secret"
    error = failure("refuses")
    assert "sk-secret" not in error.message + str(error.hint) and "key_env" in str(error.hint)
    monkeypatch.setenv("SOME_KEY", "sk-secret\nx: y")
    assert "sk-secret" not in failure("plain").message


def test_a_key_in_the_keyring(home: Path, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring of this test's own, chosen as users choose theirs: by PYTHON_KEYRING_BACKEND."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    class OneKey(KeyringBackend):
        priority = 1.0  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return "sk-kept" if (service, username) == ("maw", "work") else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(OneKey())
    try:
        configure(home, openai_server, keyring="work")
        run("plain", ask("x"))
        assert openai_server.seen()["requests"][-1]["authorization"] == "Bearer sk-kept"
        configure(home, openai_server, keyring="other")
        assert failure("plain").code == "no_key"
    finally:
        keyring.set_keyring(before)


def test_the_environments_proxy_is_not_used(
    home: Path, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    configure(home, openai_server)
    assert fields(run("plain", ask("direct"))) == [("text", "direct")]


def test_identity_context_and_models(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)
    with open(home / "config.toml", "r+") as file:
        text = file.read()
        file.seek(0)
        file.write('roles.manager = "a/plain"\n' + text)

    async def work(engine: ServerEngine) -> None:
        before = engine.identity("a/plain")
        assert f"127.0.0.1:{openai_server.port}:plain" in before
        assert engine.models()[0].state == "installed"
        assert await engine.context("a/plain") == 2048
        _ = [part async for part in engine.run("a/plain", ask("x"))]
        assert "fp_test" in engine.identity("a/plain") and engine.identity("a/plain") != before
        [model] = engine.models()
        assert (model.name, model.state, model.roles) == ("a/plain", "loaded", ["manager"])
        assert engine.identity("b/plain") == "missing"
        assert await engine.count("a/plain", ["abcdef", "\u00e9"]) == [2, 1]

    with_servers(work)
    with_servers(lambda engine: _same(engine))


async def _same(engine: ServerEngine) -> None:
    """What was learned outlives the runner."""
    assert "fp_test" in engine.identity("a/plain")


def test_a_context_is_asked_for_while_a_server_loads_and_again_when_it_may_be_another(
    home: Path, openai_servers: Callable[[], OpenAIServer], impatient: None
) -> None:
    server = openai_servers()
    configure(home, server.url.replace("/v1", "/changing/v1"))

    async def work(engine: ServerEngine) -> list[int]:
        return [await engine.context("a/plain") for _ in range(2)]

    assert with_servers(work) == [3072, 3072]
    assert with_servers(work) == [4096, 4096]  # by another runner, to which the server may be another one
    server.forget()  # it loads again, and another one stands in for it: nobody waits
    configure(home, server.url.replace("/v1", "/changing/v1"), server, failover="b")
    assert with_servers(work) == [4096, 4096]
    server.stop()
    assert with_servers(work) == [4096, 4096]


def test_embeddings(home: Path, openai_server: OpenAIServer) -> None:
    configure(home, openai_server)

    async def work(engine: ServerEngine) -> None:
        assert await engine.embed("a/plain", ["x", "y"]) == [[0.6, 0.8], [0.6, 0.8]]
        with pytest.raises(EngineError, match="vectors"):
            await engine.embed("a/half", ["x"])

    with_servers(work)
