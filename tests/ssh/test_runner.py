"""The real runner behind the real sshd: the gate starts it, and a spare channel outlasts its idle connections."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from maw import client, paths
from maw.errors import NodeError
from maw.link import control
from tests.fixtures.ssh import USER, Air, Pro, Sshd, make_key
from tests.fixtures.waiting import wait_for
from tests.ssh.test_node_cli import maw


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


@pytest.mark.slow
def test_runner_that_restarts_is_found_again(real: Pro, sshd: Sshd) -> None:
    first = client.request("pro", "GET", "/api/v1/status", timeout=30)
    assert maw_runner(real, "stop") == 0
    again = wait_for(_status, "the runner")
    assert again["hello"]["boot_id"] != first["hello"]["boot_id"]
    assert again["hello"]["node_id"] == first["hello"]["node_id"]


@pytest.mark.slow
@pytest.mark.parametrize(("transport", "said"), [("auto", "by paramiko, since"), ("openssh", "by openssh, since")])
def test_doctor_says_which_transport_and_why(real: Pro, said: str) -> None:
    found = maw("doctor", "--node", "pro")
    line = next(line for line in found.stdout.splitlines() if "ssh to pro" in line)
    assert line.startswith("ok") and said in line


@pytest.mark.slow
def test_keys_of_one_account_share_the_runner(real: Pro, air: Air, sshd: Sshd) -> None:
    """What docs/security.md says of them: each sees the tasks of the others, and may end them; no one gets a diff."""
    key = air.home / "second"
    sshd.authorize(make_key(key))
    with open(paths.config_file(), "a") as file:
        file.write(f'[nodes.other]\nhost = "127.0.0.1"\nuser = "{USER}"\nport = {sshd.port}\nidentity = "{key}"\n')
        file.write(f'command = "{real.runner}"\n')
    payload = {"v": 1, "title": "a change", "diff": "c2VjcmV0IGRpZmY=", "rules": [], "exclude": [], "skipped": []}
    task = client.submit("pro", {"kind": "review", "title": "a change", "payload": payload, "keep": True})
    try:
        seen = client.request("other", "GET", f"/api/v1/tasks/{task['id']}", timeout=30)
        assert seen["title"] == "a change" and "c2VjcmV0IGRpZmY=" not in json.dumps(seen)
        assert task["id"] in [row["id"] for row in client.request("other", "GET", "/api/v1/tasks", timeout=30)["tasks"]]
        client.request("other", "DELETE", f"/api/v1/tasks/{task['id']}?force=true", timeout=30)
        ended = client.request("pro", "GET", f"/api/v1/tasks/{task['id']}", timeout=30)
        assert ended["state"] in ("cancelled", "failed", "dead")
    finally:
        control.stop("other")


def _status() -> dict[str, dict[str, str]]:
    try:
        answer = client.request("pro", "GET", "/api/v1/status", timeout=30)
    except NodeError:
        return {}
    assert isinstance(answer, dict)
    return answer
