"""The whole way: client, link, real sshd, forced command, gate, a server's socket."""

from __future__ import annotations

from maw import reach, wire
from tests.fixtures.ssh import Air


def ask(
    path: str, body: bytes = b"", method: str = "GET", *, node: str = "pro", timeout: float = 20.0
) -> wire.Response:
    """One request over the link."""
    connection = reach.connect(node, timeout=timeout)
    with connection.sock as sock:
        sock.settimeout(timeout)
        wire.send_request(sock, method, path, body)
        return wire.read_response(connection.reader)


def test_request_reaches_the_server(served: Air) -> None:
    assert ask("/echo", b'{"a":1}', "POST").json() == {"a": 1}


def test_hello_comes_first(served: Air) -> None:
    connection = reach.connect("pro", timeout=20)
    connection.sock.close()
    assert connection.hello is not None and connection.hello["node_id"] == "n"
