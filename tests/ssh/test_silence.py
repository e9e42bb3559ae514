"""Hosts that take a connection and then say nothing: each costs a commit its patience once, and nothing after that."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from maw.errors import NodeError
from maw.link import lookup
from maw.link.failures import Failures
from maw.link.resolve import parse
from tests.fixtures.ssh import Air
from tests.ssh.helpers import failure
from tests.ssh.test_node_cli import maw

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


@pytest.mark.slow  # keys may take 10 s to be agreed on
@pytest.mark.parametrize("transport", ["paramiko"])
def test_host_that_stops_after_its_first_line_is_no_defect(air: Air) -> None:
    port = Counted(b"SSH-2.0-slow\r\n")
    try:
        air.write_config(port=port.port, top=SHORT)
        found = json.loads(maw("node", "test", "pro", "--json").stdout)
        assert found["ok"] is False and found["error"]["code"] in ("timeout", "refused")
    finally:
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
