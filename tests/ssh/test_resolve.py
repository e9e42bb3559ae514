"""Hosts are resolved as ssh does it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from maw.errors import FatalError, NodeError
from maw.link.resolve import parse, resolve
from maw.link.target import Target
from maw.link.terms import Terms
from maw.link.transport import connect
from tests.fixtures.ssh import USER, Air, Sshd, make_key
from tests.ssh.helpers import ask, code, go


def test_include_and_match_are_ssh_s_own(ssh_config: Path) -> None:
    """paramiko ignores Include, and takes any Match it does not know for matching."""
    (ssh_config.parent / "more").write_text("Host inc\n  HostName inc.example.org\n  User included\n  Port 2222\n")
    ssh_config.write_text(f"Include {ssh_config.parent}/more\nMatch host nobody\n  User wrong\n")
    route = resolve("inc")
    assert (route.hostname, route.user, route.port) == ("inc.example.org", "included", 2222)
    assert route.known_as == "[inc.example.org]:2222"
    assert route.where == "inc (inc.example.org:2222)"


def test_given_user_and_port_win(ssh_config: Path) -> None:
    ssh_config.write_text("Host *\n  User configured\n  Port 2222\n")
    route = resolve("h", user="given", port=33)
    assert (route.user, route.port) == ("given", 33)


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "-V", ""])
def test_host_that_looks_like_an_option_is_refused(host: str) -> None:
    with pytest.raises(FatalError) as caught:
        resolve(host)
    assert "not a host" in caught.value.message


def test_broken_configuration_says_what_ssh_said(ssh_config: Path) -> None:
    ssh_config.write_text("NoSuchKeyword yes\n")
    with pytest.raises(NodeError) as caught:
        resolve("h")
    assert caught.value.code == "unresolved" and "ssh cannot resolve h" in caught.value.message


def test_what_paramiko_cannot_do_is_named(home: Path) -> None:
    target = Target("pro", "h", None, None, "maw-runner", None, 1.0, "paramiko")
    with pytest.raises(NodeError) as caught:
        connect(parse("h", "hostname h\nport 22\nproxyusefdpass yes\n"), target, Terms())
    assert "ProxyUseFdpass" in caught.value.message and "openssh" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("line", "proxy"),
    [
        ("proxycommand none", None),
        ("proxycommand nc %h %p %% %r", ("/bin/sh", "-c", "exec nc h 22 % 'a b'")),
        ("proxyjump jump", ("ssh", "-o", "BatchMode=yes", "-W", "[h]:22", "jump")),
        ("proxyjump me@jump:2222", ("ssh", "-o", "BatchMode=yes", "-W", "[h]:22", "ssh://me@jump:2222")),
        ("proxyjump one,two", ("ssh", "-o", "BatchMode=yes", "-J", "one", "-W", "[h]:22", "two")),
    ],
)
def test_proxies(line: str, proxy: tuple[str, ...] | None) -> None:
    assert parse("h", f"hostname h\nport 22\nuser a b\n{line}\n").proxy == proxy


def test_agent_comes_from_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("OTHER", "/run/other")
    assert parse("h", "identityagent SSH_AUTH_SOCK\n").agent == "/run/agent"
    assert parse("h", "identityagent none\n").agent is None
    assert parse("h", "identityagent $OTHER\n").agent == "/run/other"
    assert parse("h", "").agent == "/run/agent"


def test_proxy_command_leads_there(served: Air, sshd: Sshd) -> None:
    script = served.home / "pipe.py"
    script.write_text(
        "import os, socket, sys, threading\n"
        "sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): sock.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := sock.recv(65536): os.write(1, data)\n"
    )
    with open(served.ssh_config, "a") as file:
        file.write(f"ProxyCommand {sys.executable} {script} %h %p\n")
    assert code(go()) is None
    assert ask("/echo", b"x" * 100_000, "POST").body == b"x" * 100_000


def test_proxy_jump_leads_there(served: Air, sshd: Sshd) -> None:
    """Through the same sshd, by a key that may forward."""
    with open(sshd.authorized_keys, "a") as file:
        own = served.home / "jump"
        file.write(f"{make_key(own)} jump\n")
    with open(served.ssh_config, "a") as file:
        file.write(f"Host jump\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {USER}\n  IdentityFile {own}\n")
        file.write("  IdentitiesOnly yes\nHost 127.0.0.1\n  ProxyJump jump\n")
    assert code(go()) is None
