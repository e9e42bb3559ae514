"""`maw proxy`: the `openai` client through it, over a real link too; and whoever has no business there."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import openai
import psutil
import pytest

from maw import paths
from maw.link import control
from maw.proxy import head, token
from tests.fixtures.cli import Maw
from tests.fixtures.model import NAME, EmbeddedModel
from tests.fixtures.runner import RunnerProcess
from tests.fixtures.ssh import Air, Pro
from tests.fixtures.waiting import eventually
from tests.v1.conftest import Proxy

HELLO: Any = [{"role": "user", "content": "Say hello."}]


def request(target: str = "/v1/models", *, host: str, key: str, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n{more}\r\n".encode("latin-1")


@pytest.mark.model
def test_the_openai_client_through_the_proxy(model_runner: RunnerProcess, start_proxy: Callable[..., Proxy]) -> None:
    proxy = start_proxy()
    assert proxy.said["node"] == "local" and proxy.said["token_file"] == token.path()
    client = proxy.client()
    assert NAME in [model.id for model in client.models.list()]
    whole = client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=6, temperature=0)
    chunks = client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=6, temperature=0, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="none", messages=HELLO)
    assert caught.value.code == "model_not_found"
    no_one_else_gets_in(proxy)
    leaving_ends_the_work(proxy, model_runner)
    assert proxy.stop() == 0
    with pytest.raises(openai.APIConnectionError):
        client.models.list()


def no_one_else_gets_in(proxy: Proxy) -> None:
    with pytest.raises(openai.AuthenticationError):
        proxy.client("maw-wrong").models.list()
    host, key = f"127.0.0.1:{proxy.port}", token.read()
    assert proxy.raw(request(host=host, key=key)).startswith(b"HTTP/1.1 200")
    assert proxy.raw(request(host="evil.example:80", key=key)).startswith(b"HTTP/1.1 403")
    for target in ("/api/v1/status", "/v1/../api/v1/status", "/v1/%2e%2e/api/v1/status", "//api/v1/status", "*"):
        assert proxy.raw(request(target, host=host, key=key)).startswith(b"HTTP/1.1 404"), target
    # A second request behind the first is not passed on, though the first one was fine.
    smuggled = request(host=host, key=key) + b"GET /api/v1/status HTTP/1.1\r\nHost: maw\r\n\r\n"
    assert proxy.raw(smuggled).count(b"HTTP/1.1") == 1
    assert b"state_dir" not in proxy.raw(smuggled)
    chunked = request("/v1/completions", host=host, key=key, method="POST", more="Transfer-Encoding: chunked\r\n")
    assert proxy.raw(chunked + b"0\r\n\r\n").startswith(b"HTTP/1.1 411")
    assert proxy.raw(b"\x16\x03\x01\x02\x00\r\n\r\n").startswith(b"HTTP/1.1 400")
    with pytest.raises(OSError):  # loopback is all there is
        socket.create_connection((_own_address(), proxy.port), timeout=1)


def _own_address() -> str:
    """An address of this machine that is not loopback."""
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    return found[0] if found else "192.0.2.1"


def leaving_ends_the_work(proxy: Proxy, runner: RunnerProcess) -> None:
    def busy() -> int:
        listed = runner.request("GET", "/models")["models"]
        return next((model.get("busy", 0) for model in listed if model["name"] == NAME), 0)

    stream = proxy.client().chat.completions.create(model=NAME, messages=HELLO, max_tokens=1500, stream=True, seed=3)
    next(stream)
    stream.close()
    eventually(busy, lambda count: count == 0, timeout=5)


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.sshd
def test_the_openai_client_over_a_real_link(
    air: Air, pro: Pro, embedded_model_file: EmbeddedModel, start_proxy: Callable[..., Proxy]
) -> None:
    from maw_remote.engine.store import Store

    pro.write_runner(f"exec {sys.executable} -m maw_remote connect")
    air.write_config(top=f'roles.manager = "{NAME}"\nrunner.threads = 1\n')
    Store(str(pro.state / "models")).pull(NAME, f"path:{embedded_model_file.path}", lambda *_: None)
    proxy = start_proxy("--node", "pro")
    try:
        client = proxy.client()
        assert NAME in [model.id for model in client.models.list()]
        chunks = list(client.chat.completions.create(model=NAME, messages=HELLO, max_tokens=6, stream=True))
        assert len(chunks) > 2 and chunks[-1].choices[0].finish_reason
        assert proxy.stop() == 0
    finally:
        control.stop("pro")
        command = [sys.executable, "-m", "maw_remote", "stop"]
        subprocess.run(command, env=pro.env, capture_output=True, check=False, timeout=30)


def test_a_node_that_cannot_be_reached(start_proxy: Callable[..., Proxy], home: Any) -> None:
    (home / "config.toml").write_text('[nodes.pro]\nhost = "host.invalid"\n')
    with pytest.raises(openai.InternalServerError) as caught:
        start_proxy("--node", "pro").client().models.list()
    assert caught.value.status_code == 503
    control.stop("pro")


def test_the_token_is_private_stays_and_can_be_renewed(maw: Maw, start_proxy: Callable[..., Proxy]) -> None:
    first = maw("proxy", "--token").out.strip()
    assert re.fullmatch(r"maw-[\w-]{43}", first) and maw("proxy", "--token").out.strip() == first
    assert stat.S_IMODE(os.stat(token.path()).st_mode) == 0o600
    proxy = start_proxy()
    host = f"localhost:{proxy.port}"
    assert proxy.raw(request("/api", host=host, key=first)).startswith(b"HTTP/1.1 404")
    assert maw("proxy", "--rotate").code == 0
    assert proxy.raw(request(host=host, key=first)).startswith(b"HTTP/1.1 401")
    assert maw("proxy", "--token").out.strip() != first


def test_mistakes_get_one_line(maw: Maw, start_proxy: Callable[..., Proxy]) -> None:
    taken = start_proxy().port
    done = maw("proxy", "--port", str(taken))
    assert (done.code, done.out) == (2, "") and f"port {taken} cannot be used" in done.err
    done = maw("proxy", "--node", "nowhere")
    assert done.code == 2 and "no node called 'nowhere'" in done.err


def test_ctrl_c_leaves_nothing(start_proxy: Callable[..., Proxy]) -> None:
    before = {*os.listdir(paths.state_dir())} if os.path.isdir(paths.state_dir()) else set()
    proxy = start_proxy()
    with socket.create_connection(("127.0.0.1", proxy.port)) as idle:
        idle.sendall(b"GET /v1/models HT")
        assert proxy.stop() == 0
    assert {*os.listdir(paths.state_dir())} - before <= {"proxy.token", "toml.json"}


GOOD = request(host="127.0.0.1:80", key="k")


def forward(raw: bytes) -> head.Forward:
    return head.forward(raw, "k", 80)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
        (GOOD.replace(b"GET", b"get"), 400),
        (GOOD.replace(b"GET", b"OPTIONS"), 405),
        (GOOD.replace(b"/v1/models", b"http://127.0.0.1/v1/models"), 404),
        (GOOD.replace(b"/v1/models", b"/v1/a%00b"), 404),
        (GOOD.replace(b"/v1/models", b"/v1/a\\..\\b"), 404),
        (GOOD.replace(b"/v1/models", b"/v1/a/./b"), 404),
        (GOOD.replace(b"/v1/models", b"/v1/%5c..%5cb"), 404),
        (GOOD.replace(b"127.0.0.1:80", b"127.0.0.1"), 403),
        (GOOD.replace(b"127.0.0.1:80", b"127.0.0.1:81"), 403),
        (GOOD.replace(b"Host: ", b"Host: a\r\nHost: "), 403),
        (GOOD.replace(b"Bearer k", b"Bearer kk"), 401),
        (GOOD.replace(b"Bearer k", b"Bearer \xe9"), 401),
        (GOOD.replace(b"Bearer k", b"Basic k"), 401),
        (GOOD.replace(b"Authorization", b"X-Key"), 401),
        (GOOD.replace(b"Host", b" Host"), 400),
        (GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"), 400),
        (GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400),
        (GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: +1\r\n\r\n"), 400),
        (GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: 99999999999\r\n\r\n"), 413),
    ],
)
def test_requests_that_do_not_pass(raw: bytes, status: int) -> None:
    with pytest.raises(head.Refused) as caught:
        forward(raw)
    assert caught.value.status == status


def test_what_passes_is_written_anew() -> None:
    raw = request(
        "/v1/chat/completions?x=1", host="localhost:80", key="k", method="POST",
        more="Content-Length: 5\r\nContent-Type: application/json\r\nX-Evil: 1\r\nConnection: keep-alive\r\n",
    )  # fmt: skip
    passed = forward(raw)
    assert passed.head == (
        b"POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: maw\r\nConnection: close\r\n"
        b"content-type: application/json\r\nContent-Length: 5\r\n\r\n"
    )
    assert (passed.length, passed.long) == (5, True)
    assert forward(request("/v1/models/ollama%2Fqwen:7b", host="[::1]:80", key="k")).long is False
