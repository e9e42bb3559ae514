"""Which key is offered, and what happens when none is let in."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import paths
from maw.config.load import load
from maw.link.auth import _agent_socket
from maw.link.probe import probe
from maw.link.target import Target, from_config
from tests.fixtures.ssh import USER, Air, Pro, Sshd, make_key
from tests.fixtures.waiting import wait_for
from tests.ssh.helpers import ask, code, go


@pytest.fixture
def agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ssh-agent; its socket."""
    socket = str(home / "agent.sock")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(socket), "ssh-agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)
    yield socket
    process.terminate()
    process.wait()


def without_own_key(air: Air) -> None:
    """The configuration of somebody who made no key for maw."""
    text = Path(paths.config_file()).read_text()
    Path(paths.config_file()).write_text("\n".join(line for line in text.splitlines() if "identity" not in line))


def test_key_nobody_knows_is_refused(served: Air) -> None:
    stranger = served.home / "stranger"
    make_key(stranger)
    error = probe(from_config(load(), "pro")._replace(identity=str(stranger))).error
    assert error is not None and error.code == "auth_failed"
    assert f"{USER}@127.0.0.1" in error.message and str(stranger) in error.message
    assert "maw node add pro" in (error.hint or "")


def test_missing_key_file_is_told(served: Air) -> None:
    error = probe(from_config(load(), "pro")._replace(identity=str(served.home / "none"))).error
    assert error is not None and error.code == "auth_failed" and "cannot read the key" in error.message


def test_own_key_is_offered_alone(served: Air, sshd: Sshd, pro: Pro, agent: str) -> None:
    """An unrestricted key of the agent would win over the restricted one, and run whatever it is bound to."""
    other = served.home / "other"
    trace = pro.home / "used"
    sshd.authorize(make_key(other), command=f"touch {trace}")
    subprocess.run(["ssh-add", "-q", str(other)], check=True)
    assert code(go()) is None
    assert not trace.exists()


def test_agents_key_serves_without_a_key_of_maws(served: Air, agent: str) -> None:
    without_own_key(served)
    with open(served.ssh_config, "a") as file:
        file.write("IdentityFile none\n")
    assert code(go()) == "auth_failed"
    subprocess.run(["ssh-add", "-q", str(served.key)], check=True)
    assert code(go()) is None
    assert ask("/echo", b"x", "POST").body == b"x"  # the link asks the agent, too


def test_identities_only_leaves_the_agents_other_keys_out(served: Air, agent: str) -> None:
    without_own_key(served)
    subprocess.run(["ssh-add", "-q", str(served.key)], check=True)
    with open(served.ssh_config, "a") as file:
        file.write(f"IdentitiesOnly yes\nIdentityFile {served.home}/absent\n")
    assert code(go()) == "auth_failed"


def test_identity_agent_of_the_configuration_is_used(served: Air, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_own_key(served)
    subprocess.run(["ssh-add", "-q", str(served.key)], check=True)
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with open(served.ssh_config, "a") as file:
        file.write(f"IdentityFile none\nIdentityAgent {agent}\n")
    assert code(go()) is None
    assert "SSH_AUTH_SOCK" not in os.environ


def test_key_files_of_ssh_serve_too(served: Air) -> None:
    without_own_key(served)
    with open(served.ssh_config, "a") as file:
        file.write(f"IdentityFile {served.key}\n")
    assert code(go()) is None


class Knows:
    """A person who knows a passphrase."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def host_key(self, where: str, key_type: str, key_fingerprint: str) -> bool:
        return False

    def passphrase(self, path: str) -> str | None:
        return self.secret


@pytest.fixture
def locked(served: Air, sshd: Sshd) -> Target:
    """A node whose key has the passphrase `secret`."""
    key = served.home / "locked"
    sshd.authorize(make_key(key, passphrase="secret"))
    text = Path(paths.config_file()).read_text()
    Path(paths.config_file()).write_text(text.replace(str(served.key), str(key)))
    return from_config(load(), "pro")


def test_link_never_asks_for_a_passphrase(locked: Target) -> None:
    error = probe(locked).error
    assert error is not None and error.code == "auth_failed"
    assert "passphrase" in error.message
    assert "ssh-add" in (error.hint or "") and "maw connect pro" in (error.hint or "")


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_agent_opens_a_locked_key(locked: Target, agent: str) -> None:
    """As the hint says; the agent's other keys stay out of it."""
    assert code(probe(locked)) == "auth_failed"
    script = Path(agent).parent / "askpass"
    script.write_text("#!/bin/sh\necho secret\n")
    script.chmod(0o755)
    env = {**os.environ, "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    subprocess.run(["ssh-add", "-q", str(locked.identity)], check=True, env=env)
    assert code(probe(locked)) is None


def test_passphrase_opens_the_key(locked: Target) -> None:
    assert code(probe(locked, ask=Knows("secret"))) is None
    wrong = probe(locked, ask=Knows("wrong")).error
    assert wrong is not None and wrong.code == "auth_failed" and "does not open" in wrong.message


def test_connect_asks_and_serves_as_the_link(locked: Target) -> None:
    """In a real terminal: the passphrase is typed, and this process is the link until Ctrl-C."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", "from maw.cli.main import main; main()", "connect", "pro"])
    said = _read_until(terminal, b"assphrase")
    # Turning the echo off throws away what was typed before, and some versions of click print the prompt first.
    wait_for(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, "a terminal without echo")
    os.write(terminal, b"secret\n")
    said += _read_until(terminal, b"until Ctrl-C")
    wait_for(lambda: os.path.exists(paths.link_socket("pro", streams=True)), "the link")
    assert ask("/echo", b"x", "POST").body == b"x"
    assert b"secret" not in said
    os.kill(pid, signal.SIGINT)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not os.path.exists(paths.link_socket("pro", streams=True))


def _read_until(terminal: int, text: bytes) -> bytes:
    said = b""
    while text not in said:
        said += os.read(terminal, 4096)
    return said


def test_agents_socket_is_in_the_environment_for_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lanes log in at once: what one finds there is never the other's, and all is as before afterwards."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/before")
    wrong: list[str] = []

    def look(path: str) -> None:
        for _ in range(200):
            with _agent_socket(path):
                time.sleep(0.0001)
                if os.environ["SSH_AUTH_SOCK"] != path:
                    wrong.append(path)

    threads = [threading.Thread(target=look, args=(f"/agent{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and os.environ["SSH_AUTH_SOCK"] == "/before"
