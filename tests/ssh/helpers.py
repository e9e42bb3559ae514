"""Clients of the node `pro`, as the tests of this folder use them."""

from __future__ import annotations

import socket

import pytest

from maw import client, reach, wire
from maw.config.load import load
from maw.errors import NodeError
from maw.link.probe import Report, probe
from maw.link.target import from_config


def ask(path: str, body: bytes = b"", method: str = "GET") -> wire.Response:
    """One request over the link."""
    connection = reach.connect("pro", timeout=20)
    with connection.sock as sock:
        sock.settimeout(20)
        wire.send_request(sock, method, path, body)
        return wire.read_response(connection.reader)


def failure() -> NodeError:
    """How the node cannot be used."""
    with pytest.raises(NodeError) as caught:
        reach.connect("pro", timeout=20).sock.close()
    return caught.value


def numbers(number: int, milliseconds: int) -> list[int]:
    """The ids of a stream of so many events, one each so many milliseconds."""
    return [event.id for event in client.events("pro", f"{number}-{milliseconds}")]


def hold_stream() -> socket.socket:
    """An event stream that never ends."""
    connection = reach.connect("pro", streams=True, timeout=20)
    wire.send_request(connection.sock, "GET", "/stuck")
    return connection.sock


def go(**options: object) -> Report:
    """The whole way once, without a link process."""
    return probe(from_config(load(), "pro"), **options)  # type: ignore[arg-type]


def code(report: Report) -> str | None:
    return report.error.code if report.error else None
