"""The embedded SSH endpoint: the same gate without sshd."""

from __future__ import annotations

from tests.fixtures.ssh import Endpoint
from tests.ssh.test_link import ask


def test_request_reaches_the_server(endpoint: Endpoint) -> None:
    assert ask("/echo", b'{"a":1}', "POST").json() == {"a": 1}
