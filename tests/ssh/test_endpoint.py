"""The embedded SSH endpoint: the same gate without sshd."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from maw import client, protocol
from maw.errors import FatalError
from maw_remote import gate
from maw_remote.endpoint import authorized
from maw_remote.endpoint.serve import KEEPALIVE, keep_alive
from tests.fixtures.ssh import USER, Endpoint, Pro, make_key
from tests.fixtures.waiting import wait_for
from tests.ssh.helpers import ask, code, failure, go, hold_stream


def ssh(endpoint: Endpoint, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's client with the key the endpoint knows."""
    options = ["-i", str(endpoint.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    known_hosts = endpoint.pro.home / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{endpoint.port} {endpoint.announcement['host_key']}\n")
    options += ["-o", f"UserKnownHostsFile={known_hosts}", "-p", str(endpoint.port), "-l", USER]
    return subprocess.run(["ssh", *options, *arguments], capture_output=True, check=False, input=stdin, timeout=30)


def test_request_reaches_the_server(endpoint: Endpoint) -> None:
    assert ask("/echo", b'{"a":1}', "POST").json() == {"a": 1}


def test_large_bodies_both_ways(endpoint: Endpoint) -> None:
    body = os.urandom(8_000_000)
    assert ask("/echo", body, "POST").body == body


def test_half_closed_client_gets_its_answer(endpoint: Endpoint) -> None:
    done = ssh(endpoint, "127.0.0.1", "maw-runner connect", stdin=b"GET /down?3000000 HTTP/1.1\r\n\r\n")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert head.startswith(protocol.MAGIC) and len(body) == 3_000_000
    assert done.returncode == 0


def test_client_that_asks_nothing_is_let_go(endpoint: Endpoint) -> None:
    done = ssh(endpoint, "127.0.0.1", "maw-runner connect")
    assert done.returncode == 0 and done.stdout.startswith(protocol.MAGIC)


def test_events_and_twenty_clients(endpoint: Endpoint) -> None:
    assert [event.id for event in client.events("pro", "30-1")] == list(range(1, 31))
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(lambda _: ask("/echo", b"x", "POST").body == b"x", range(20)))


def test_client_that_leaves_ends_the_request_there(endpoint: Endpoint) -> None:
    sock = hold_stream()
    wait_for(lambda: ask("/stuck-now").body == b"1", "the stream")
    sock.close()
    wait_for(lambda: ask("/stuck-now").body == b"0", "its end")


def test_it_says_where_and_who_it_is(endpoint: Endpoint) -> None:
    assert endpoint.said[0] == f"listening on 127.0.0.1 port {endpoint.port}"
    assert endpoint.said[1] == f"host key {endpoint.announcement['fingerprint']}"
    assert endpoint.announcement["pid"] == endpoint.process.pid
    key = endpoint.pro.state / "runner" / "ssh_host_ed25519_key"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600


def test_unknown_host_key(bare_endpoint: Endpoint) -> None:
    error = go().error
    assert error is not None and error.code == "host_key_unknown"
    assert bare_endpoint.announcement["fingerprint"] in error.message


def test_key_not_on_the_list_is_refused(bare_endpoint: Endpoint) -> None:
    bare_endpoint.trust()
    assert failure().code == "auth_failed"


def test_added_and_removed_keys_count_at_once(endpoint: Endpoint) -> None:
    assert code(go()) is None
    assert endpoint.keys("rm", "maw:pro@air").returncode == 0
    assert code(go()) == "auth_failed"


def test_list_with_a_broken_line_lets_nobody_in(endpoint: Endpoint) -> None:
    path = endpoint.pro.state / "runner" / "authorized_keys"
    path.write_text(path.read_text() + 'command="x" ssh-ed25519 AAAA x\n')
    assert code(go()) == "auth_failed"


@pytest.mark.parametrize("command", ["id", "sh", "connect; id", "git-upload-pack x"])
def test_anything_else_is_refused(endpoint: Endpoint, command: str) -> None:
    done = ssh(endpoint, "127.0.0.1", command)
    assert done.returncode == gate.REFUSED
    assert done.stdout == b"" and b"may only connect" in done.stderr


BACKWARD = ("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:x:1")


@pytest.mark.parametrize("arguments", [(), ("-tt",), ("-s", "sftp"), ("-W", "127.0.0.1:1"), BACKWARD])
def test_shell_terminal_sftp_and_forwarding_are_refused(endpoint: Endpoint, arguments: tuple[str, ...]) -> None:
    subsystem = arguments[:1] == ("-s",)
    command = ("-s", "127.0.0.1", "sftp") if subsystem else (*arguments, "127.0.0.1")
    done = ssh(endpoint, *command)
    assert done.returncode != 0 and done.stdout == b""


def test_passwords_are_not_asked_for(endpoint: Endpoint) -> None:
    done = ssh(endpoint, "-v", "-o", "PubkeyAuthentication=no", "127.0.0.1", "connect")
    assert done.returncode == 255
    assert b"Authentications that can continue: publickey\r\n" in done.stderr


def test_strangers_are_bounded(endpoint: Endpoint) -> None:
    """Connections that never log in cannot keep others out for good: ten at once, for 20 s each."""
    idle = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(10)]
    for sock in idle:
        assert sock.recv(4) == b"SSH-"
    with socket.create_connection(("127.0.0.1", endpoint.port)) as extra:
        assert extra.recv(4) == b""
    for sock in idle:
        sock.close()
    wait_for(lambda: code(go()) is None, "room")


def test_more_connections_than_descriptors_are_forgotten_once_they_are_gone(home: Path, pro: Pro) -> None:
    endpoint = Endpoint(home, pro, "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))")
    try:
        idle = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(10)]
        assert idle[0].recv(4) == b"SSH-"
        silent = set(idle)
        while greeted := select.select(list(silent), [], [], 1.0)[0]:
            silent -= set(greeted)
        for sock in idle:
            sock.close()
        wait_for(lambda: _greeting(endpoint.port) == b"SSH-", "a greeting")
    finally:
        endpoint.stop()


def _greeting(port: int) -> bytes:
    """What the endpoint says first; nothing where it does not take the connection."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.settimeout(2.0)
        try:
            return sock.recv(4)
        except (TimeoutError, ConnectionResetError):
            return b""


def test_port_in_use_is_one_line(endpoint: Endpoint) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maw_remote", "serve", "--listen", f"127.0.0.1:{endpoint.port}"],
        env=endpoint.pro.env, capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 2 and "cannot listen" in done.stderr and "Traceback" not in done.stderr


def test_keys_are_listed_with_their_fingerprints(endpoint: Endpoint) -> None:
    listed = json.loads(endpoint.keys("list", "--json").stdout)
    assert listed["v"] == 1
    assert [(key["name"], key["type"]) for key in listed["keys"]] == [("maw:pro@air", "ssh-ed25519")]
    shown = subprocess.run(["ssh-keygen", "-lf", f"{endpoint.key}.pub"], capture_output=True, text=True, check=True)
    assert listed["keys"][0]["fingerprint"] in shown.stdout
    assert listed["keys"][0]["fingerprint"] in endpoint.keys("list").stdout
    assert stat.S_IMODE(os.stat(endpoint.pro.state / "runner" / "authorized_keys").st_mode) == 0o600


def test_adding_a_key_twice_changes_nothing(endpoint: Endpoint) -> None:
    assert "known already" in endpoint.keys("add", f"{endpoint.public_key} again").stdout
    assert len(endpoint.keys("list").stdout.splitlines()) == 1


def test_a_name_belongs_to_one_key(endpoint: Endpoint) -> None:
    other = make_key(endpoint.pro.home / "other")
    assert endpoint.keys("add", f"{other} maw:pro@air").returncode == 2
    assert endpoint.keys("rm", "nobody").returncode == 2


@pytest.mark.parametrize(
    "line",
    [
        "", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 !!!! x", "ssh-dss AAAAB3NzaC1kc3M= x",
        'command="sh" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== x', "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== a b",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA== x", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== \x1b[31m",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(FatalError):
        authorized.parse(line)


@pytest.mark.parametrize("name", [name for name in KEEPALIVE if hasattr(socket, name)])
def test_client_that_is_gone_is_noticed_by_the_kernel(name: str) -> None:
    with socket.socket() as sock:
        keep_alive(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == KEEPALIVE[name]
