"""`maw doctor` where a node cannot be used: it names the cause, the remedy, the transport and why it is that one."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from maw.checks.node import node_checks
from tests.fixtures.cli import Maw
from tests.fixtures.ssh import Air, LinkProcess, Pro, Sshd, free_port, make_key
from tests.ssh.helpers import ask
from tests.ssh.test_silence import Counted

Json = dict[str, Any]


@pytest.fixture(params=["paramiko", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


one = pytest.mark.parametrize("transport", ["paramiko"])  # where it makes no difference


@pytest.fixture
def doctor(maw: Maw) -> Callable[[], Json]:
    """What the doctor says of the node `pro`, which must not be well."""

    def run() -> Json:
        done = maw("doctor", "--node", "pro", "--json")
        assert done.code == 1, done.out + done.err
        found: Json = next(check for check in done.json["checks"] if check["what"] == "node pro")
        assert found["state"] == "fail"
        by = next((check["found"] for check in done.json["checks"] if check["what"] == "ssh to pro"), "")
        return found | {"transport": by}

    return run


def test_key_that_sshd_refuses(served: Air, sshd: Sshd, doctor: Callable[[], Json], transport: str) -> None:
    sshd.authorized_keys.write_text("")
    found = doctor()
    assert "let none of our keys in" in found["found"] and "maw node add pro 127.0.0.1" in found["mend"]
    assert found["transport"].startswith(f"by {transport}, since the node's `transport` says so")


def test_host_key_that_changed(served: Air, sshd: Sshd, doctor: Callable[[], Json]) -> None:
    other = make_key(served.home / "other")
    served.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    found = doctor()
    assert f"{served.known_hosts}" in found["found"] + found["mend"] and "ssh-keygen -R" in found["mend"]


def test_host_key_that_nobody_accepted(served: Air, doctor: Callable[[], Json]) -> None:
    served.known_hosts.write_text("")
    found = doctor()
    assert "SHA256:" in found["found"] and "maw connect pro" in found["mend"]


@one
def test_interpreter_that_is_gone_there(served: Air, pro: Pro, doctor: Callable[[], Json]) -> None:
    pro.runner.write_text("#!/opt/gone/bin/python3\n")
    found = doctor()
    assert str(pro.runner) in found["found"] and "maw node install pro" in found["mend"]
    if ": not found" not in found["found"]:  # dash does not tell which of the two is missing
        assert "the Python it was installed with is gone there" in found["mend"]


@one
def test_maw_that_is_not_installed_there(served: Air, pro: Pro, doctor: Callable[[], Json]) -> None:
    pro.runner.unlink()
    found = doctor()
    assert "did not answer as a runner" in found["found"] and "maw node install pro" in found["mend"]


@one
def test_runner_of_another_protocol(served: Air, pro: Pro, doctor: Callable[[], Json]) -> None:
    hello = json.dumps({"v": 1, "protocol": [7, 9], "version": "9.9"})
    pro.write_runner(f"printf '\\000MAW1\\n'; echo '{hello}'; cat")
    found = doctor()
    assert "9.9" in found["found"] and "[7, 9]" in found["found"] and "1 to 1" in found["found"]
    assert "same version of git-maw" in found["mend"]


def test_host_on_which_nothing_listens(air: Air, doctor: Callable[[], Json]) -> None:
    air.write_config(port=free_port())
    found = doctor()
    assert "cannot be reached" in found["found"] and "is sshd running there" in found["mend"]


@pytest.mark.slow
def test_host_that_takes_connections_and_is_silent(air: Air, doctor: Callable[[], Json]) -> None:
    port = Counted()
    try:
        air.write_config(port=port.port, top="connect_timeout = 0.5")
        found = doctor()
    finally:
        port.close()
    assert f"127.0.0.1:{port.port}" in found["found"] and "connect_timeout" in found["mend"]


@one
def test_name_that_nobody_knows(air: Air, doctor: Callable[[], Json]) -> None:
    air.write_config(host="no-such-host.invalid")
    found = doctor()
    assert "cannot find no-such-host.invalid" in found["found"] and "check the name" in found["mend"]


@one
def test_key_of_ours_that_is_gone(served: Air, doctor: Callable[[], Json]) -> None:
    served.key.unlink()
    found = doctor()
    assert f"{served.key}" in found["found"] and "maw node add pro" in found["mend"]


@one
def test_key_with_a_passphrase(served: Air, sshd: Sshd, doctor: Callable[[], Json]) -> None:
    served.key.unlink()
    sshd.authorize(make_key(served.key, passphrase="secret"))
    found = doctor()
    assert "has a passphrase" in found["found"] and "ssh-add" in found["mend"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor, run in this process, waits as long as a test may."""
    monkeypatch.setattr("maw.checks.node.TIMEOUT", 2.0)
    monkeypatch.setattr("maw.link.probe._ANSWER_TIMEOUT", 1.0)


@pytest.mark.slow
@one
def test_link_that_hangs(served: Air, start_link: Callable[..., LinkProcess], impatient: None) -> None:
    link = start_link()
    assert ask("/echo", b"x", "POST").body == b"x"
    link.process.send_signal(signal.SIGSTOP)
    try:
        found = list(node_checks("pro"))[-1]
    finally:
        link.process.send_signal(signal.SIGCONT)
    assert found.state == "fail" and f"the link (pid {link.process.pid}) does not answer" in found.found
    assert f"kill -9 {link.process.pid}" in (found.mend or "")


@pytest.mark.slow
@one
def test_runner_that_hangs_there(served: Air, pro: Pro, impatient: None) -> None:
    """The gate is well, and the runner behind it took the connection and does not answer."""
    ask("/echo", b"x", "POST")
    assert pro.server is not None
    pro.server.send_signal(signal.SIGSTOP)
    found = list(node_checks("pro"))[-1]
    assert found.state == "fail" and "the runner on 127.0.0.1 did not answer" in found.found
    assert "maw-runner restart" in (found.mend or "")


@one
def test_ssh_settings_that_ssh_does_not_take(served: Air, doctor: Callable[[], Json]) -> None:
    served.ssh_config.write_text("NoSuchOption yes\n")
    found = doctor()
    assert "nosuchoption" in found["found"].lower() and found["mend"]
