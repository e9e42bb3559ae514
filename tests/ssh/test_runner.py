"""The real runner behind the real sshd: the gate starts it, and a spare channel outlasts its idle connections."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from maw import client
from maw.errors import NodeError
from maw.link import control
from tests.fixtures.ssh import Air, Pro, Sshd, wait_for


@pytest.fixture
def real(air: Air, pro: Pro) -> Iterator[Pro]:
    """A Pro with the real `maw-runner connect`, on which nothing runs yet."""
    pytest.importorskip("litestar")
    pro.write_runner(f"exec {sys.executable} -m maw_remote connect")
    yield pro
    control.stop("pro")
    maw_runner(pro, "stop")


def maw_runner(pro: Pro, *arguments: str) -> int:
    command = [sys.executable, "-m", "maw_remote", *arguments]
    return subprocess.run(command, env=pro.env, capture_output=True, check=False, timeout=30).returncode


def test_gate_starts_the_runner(real: Pro) -> None:
    status = client.request("pro", "GET", "/api/v1/status", timeout=30)
    assert status["hello"]["node_id"]
    assert (real.state / "runner" / "hello.json").exists()


def test_runner_that_restarts_is_found_again(real: Pro, sshd: Sshd) -> None:
    first = client.request("pro", "GET", "/api/v1/status", timeout=30)
    assert maw_runner(real, "stop") == 0
    again = wait_for(_status, "the runner")
    assert again["hello"]["boot_id"] != first["hello"]["boot_id"]
    assert again["hello"]["node_id"] == first["hello"]["node_id"]


def _status() -> dict[str, dict[str, str]]:
    try:
        answer = client.request("pro", "GET", "/api/v1/status", timeout=30)
    except NodeError:
        return {}
    assert isinstance(answer, dict)
    return answer
