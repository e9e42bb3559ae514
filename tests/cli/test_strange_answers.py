"""A node of another version, or one that wants to do harm: every command answers in a line, none with a defect."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maw import paths
from tests.fixtures.cli import Maw

DEEP = b'{"v":1,"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
TASK = {"v": 1, "id": "0" * 12, "kind": "review", "state": "done", "key": "k", "profile": "p", "priority": 1,
        "attempt": 1, "created": "2026-01-01T00:00:00.000Z"}  # fmt: skip
COMMANDS = (
    ["status"], ["queue"], ["queue", "cancel", "0" * 12], ["queue", "cancel", "00"], ["queue", "retry", "0" * 12],
    ["queue", "bump", "0" * 12], ["model", "list"], ["model", "path", "x"], ["model", "rm", "x"],
    ["model", "load", "x"], ["model", "unload", "x"], ["model", "pin", "x"], ["model", "recommend"],
    ["model", "import", "--scan"],
)  # fmt: skip


class Node:
    """Answers every request on the runner's socket with the same bytes."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.answer = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def says(self, body: bytes | object, status: int = 200) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)

    def streams(self, *events: tuple[str, object]) -> None:
        body = b"".join(
            b"id: %d\nevent: %b\ndata: %b\n\n" % (number, kind.encode(), json.dumps(data).encode())
            for number, (kind, data) in enumerate(events, 1)
        )
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.answer = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(self.answer)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)  # until it was read
                except OSError:
                    pass


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    paths.make_private_dir(paths.runner_dir())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(paths.runner_socket())
        server.listen(8)
        yield Node(server)
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("body", [{"v": 1, "hello": {}}, [], DEEP], ids=["a few keys", "a list", "deep"])
def test_an_answer_of_another_shape_is_told(node: Node, maw: Maw, body: Any) -> None:
    node.says(body)
    for command in COMMANDS if body == {"v": 1, "hello": {}} else COMMANDS[:3]:
        ran = maw(*command)
        assert ran.code == 4, (command, ran)
        assert ran.err.startswith("maw: ") and "defect" not in ran.err


@pytest.mark.parametrize("error", [{"code": "x", "message": "m", "hint": {"a": 1}}, {"message": ["m"]}, {}, "x"])
def test_an_error_of_another_shape_is_told(node: Node, maw: Maw, error: Any) -> None:
    node.says({"v": 1, "error": error}, 409)
    ran = maw("status")
    assert ran.code == 2
    assert ran.err.startswith("maw: ") and "defect" not in ran.err


def test_numbers_that_nothing_holds_and_keys_of_a_later_version_are_borne(node: Node, maw: Maw) -> None:
    node.says({"v": 1, "models": [{"name": "m", "state": "installed", "bytes": 10**400, "new": 1}], "new": {}})
    ran = maw("model", "list")
    assert ran.code in (0, 4) and "defect" not in ran.err
    node.says({"v": 1, "tasks": [{**TASK, "new": 1}], "new": {}})
    assert "0" * 12 in maw("queue", "list", "--all").out


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (("done", {}), 4), (("done", {"model": {"name": 1}}), 4), (("failed", {"error": "x"}), 4),
        (("failed", {"error": {"code": "x", "message": "m", "hint": {}}}), 4), (("progress", {"done": "x"}), 4),
        (("failed", {"error": {"code": "x", "message": "m", "hint": "h"}}), 2),
    ],
)  # fmt: skip
def test_a_pulls_events_of_another_shape_are_told(node: Node, maw: Maw, event: Any, code: int) -> None:
    node.streams(event)
    ran = maw("model", "pull", "x")
    assert ran.code == code, ran
    assert ran.err.startswith("maw: ") and "defect" not in ran.err


def test_events_of_another_shape_are_watched(node: Node, maw: Maw) -> None:
    events = [("finding", {"finding": "x"}), ("failed", {"error": 5, "ts": 1, "task": ["x"]})]
    node.streams(*events)
    ran = maw("queue", "watch", "0" * 12)
    assert ran.code == 0, ran
    assert len(ran.out.splitlines()) == 2


def test_doctor_tells_a_strange_node(node: Node, maw: Maw) -> None:
    pytest.importorskip("llama_cpp", reason="without the runner extra doctor says that, and asks no runner here")
    node.says({"v": 1, "hello": {}})
    ran = maw("doctor")
    assert "does not understand" in ran.out + ran.err and "defect" not in ran.err
