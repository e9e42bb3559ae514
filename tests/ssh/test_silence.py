"""Hosts that take a connection and then say nothing: each costs a commit its patience once, and nothing after that."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from maw.errors import NodeError
from maw.link import control, lookup
from maw.link.dial import Dialer
from maw.link.failures import Failures
from maw.link.resolve import parse
from maw.link.target import Target
from maw.link.terms import KEX_TIMEOUT, Terms
from tests.fixtures.ssh import Air, LinkProcess, Pro, Sshd
from tests.ssh.helpers import ask, failure
from tests.ssh.test_node_cli import maw

Start = Callable[..., LinkProcess]
SHORT = "connect_timeout = 0.5"


@pytest.fixture(params=["paramiko", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Counted:
    """A port that takes connections, counts them, and does nothing with them but say `word`."""

    def __init__(self, word: bytes = b"") -> None:
        self.taken: list[socket.socket] = []
        self._word = word
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.sendall(self._word)
            self.taken.append(sock)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for sock in self.taken:
            sock.close()


class Trickle:
    """A port before another one: what comes from there is passed on some bytes at a time."""

    def __init__(self, behind: int, *, pieces: int, pause: float) -> None:
        self._behind = behind
        self._pieces, self._pause = pieces, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._behind))
            threading.Thread(target=self._up, args=(near, far), daemon=True).start()
            threading.Thread(target=self._down, args=(far, near), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
            far.close()

    def _down(self, far: socket.socket, near: socket.socket) -> None:
        left = self._pieces
        with contextlib.suppress(OSError):
            while data := far.recv(8 if left > 0 else 65536):
                near.sendall(data)
                time.sleep(self._pause if left > 0 else 0)
                left -= 1
            near.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def silent() -> Iterator[Counted]:
    port = Counted()
    yield port
    port.close()


def test_port_that_never_speaks_is_remembered(air: Air, silent: Counted) -> None:
    air.write_config(port=silent.port, top=SHORT)
    error = failure()
    assert error.code == "timeout" and f"127.0.0.1:{silent.port}" in error.message and error.hint
    tried = len(silent.taken)
    time.sleep(0.6)  # longer than the pause after a failure that was known at once
    assert failure().message == error.message
    assert len(silent.taken) == tried


@pytest.mark.slow
def test_proxy_command_that_hangs_is_remembered(air: Air) -> None:
    begun = air.home / "begun"
    with open(air.ssh_config, "a") as file:
        file.write(f"ProxyCommand sh -c 'echo x >> {begun}; trap \"\" TERM; exec sleep 600'\n")
    air.write_config(top=SHORT)
    assert failure().code == "timeout"
    tried = begun.read_text()
    time.sleep(0.6)
    assert failure().code == "timeout"
    assert begun.read_text() == tried


def test_node_test_calls_silence_by_its_name(air: Air, silent: Counted) -> None:
    air.write_config(port=silent.port, top=SHORT)
    done = maw("node", "test", "pro")
    assert done.returncode == 4 and "defect" not in done.stderr and "Traceback" not in done.stderr
    assert "hint" in done.stderr or "Try `ssh" in done.stderr


def test_host_that_stops_after_its_first_line_costs_connect_timeout(air: Air) -> None:
    """Some sshd accept, greet, and are stopped, or out of memory: the silence after the greeting counts as well."""
    port = Counted(b"SSH-2.0-slow\r\n")
    try:
        air.write_config(port=port.port, top=SHORT)
        error = failure()
        assert error.code == "timeout" and f"127.0.0.1:{port.port}" in error.message and error.hint
        assert waited(error) < KEX_TIMEOUT  # which it took before; connect_timeout is 0.5
    finally:
        port.close()


def waited(error: NodeError) -> float:
    """The seconds that the message tells."""
    found = re.search(r"\(waited ([0-9.]+) s\)", error.message)
    assert found is not None, error.message
    return float(found[1])


def test_host_that_dawdles_but_speaks_is_waited_for(air: Air, sshd: Sshd, pro: Pro) -> None:
    """What comes in small pieces takes longer than connect_timeout in all, and is no silence."""
    pro.start_server()
    port = Trickle(sshd.port, pieces=200, pause=0.005)
    try:
        air.write_config(port=port.port, top="connect_timeout = 0.8")
        air.known_hosts.write_text(f"[127.0.0.1]:{port.port} {sshd.public_host_key}\n")
        assert ask("/echo", b"x", "POST").body == b"x"
    finally:
        control.stop("pro")
        port.close()


@pytest.mark.parametrize("transport", ["paramiko"])
def test_what_is_no_ssh_server_prints_no_traceback(air: Air) -> None:
    port = Counted(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
    try:
        air.write_config(port=port.port, top=SHORT)
        done = maw("node", "test", "pro")
        assert done.returncode == 4 and "Traceback" not in done.stderr and "Exception (client)" not in done.stderr
    finally:
        port.close()


@contextlib.contextmanager
def swallowing() -> Iterator[int]:
    """A port whose backlog is full: nobody answers there, as behind a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as fillers:
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()[1]


@pytest.mark.parametrize("transport", ["paramiko"])
@pytest.mark.parametrize("ago", [0.0, 60.0])
def test_what_a_link_takes_to_start_is_part_of_connect_timeout(air: Air, start_link: Start, ago: float) -> None:
    """For the one who had it started; half of it is left in any case, and all of it to whoever comes later."""
    with swallowing() as port:
        air.write_config(port=port, top="connect_timeout = 1")
        start_link("--since", f"{time.monotonic() - ago:.3f}", "--black-hole", "0")
        first, second = failure(), failure()
    assert first.code == second.code == "timeout"
    assert waited(first) == 0.5 if ago else 0.5 <= waited(first) <= 1
    assert waited(second) == 1


def test_what_is_left_of_connect_timeout() -> None:
    target = Target("pro", "pro", None, None, "maw-runner", None, 2.0)
    dialer = Dialer(target, Terms(), since=100.0)
    assert [dialer.patience(100 + passed) for passed in (0, 0.44, 1.3, 2, 50)] == [2, 1.6, 1, 1, 1]
    assert Dialer(target, Terms()).patience(100) == 2


def test_look_up_is_given_up() -> None:
    over = threading.Event()

    def hangs(host: str, port: int) -> list[Any]:
        over.wait(60)
        return []

    with pytest.raises(NodeError) as caught:
        lookup.addresses(parse("pro.local", "hostname pro.local\nport 22\n"), 0.05, hangs)
    over.set()
    assert caught.value.code == "timeout" and "pro.local" in caught.value.message and caught.value.hint


def test_slow_failure_of_any_kind_counts_as_a_black_hole() -> None:
    failures = Failures(black_hole=60)
    failures.failed(NodeError("refused", "x"), failures.era, slow=True)
    time.sleep(0.3)
    assert failures.remembered() is not None
