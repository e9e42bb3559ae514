"""Reaching a node: what cannot start is told at once, and processes are found by their locks, never by a stale id."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maw import client, files, reach
from maw.errors import NodeError


def test_a_link_that_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "LINK_START_TIMEOUT", 100.0)  # waiting it out would end as `timeout`, or never
    with pytest.raises(NodeError, match="no node called 'nosuch'") as caught:
        reach.connect("nosuch", timeout=200.0)
    assert caught.value.code == "refused"
    assert caught.value.hint


def test_a_connection_that_breaks_says_where_to_look(fake_link_node: str) -> None:
    with pytest.raises(NodeError) as caught:
        client.request(fake_link_node, "GET", "/api/v1/status", timeout=5)
    assert (caught.value.code, caught.value.hint) == ("lost", f"try `maw node test {fake_link_node}`")


@pytest.fixture
def fake_link_node(home: Path) -> Iterator[str]:
    """A node whose link greets and hangs up: a real process on the link's own socket."""
    from maw import paths, protocol

    directory = paths.make_private_dir(paths.link_dir("pro"))
    greeting = protocol.preface({"protocol": [1, 1]})
    code = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('requests.sock'); s.listen(); print(flush=True)\n"
        f"while True: c = s.accept()[0]; c.sendall({greeting!r}); c.recv(4096); c.close()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=directory, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield "pro"
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_holder_of_a_lock_is_known_only_while_it_holds_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert files.lock_holder(path) is None
    fd = files.try_lock(path)
    assert fd is not None
    os.write(fd, b"4711")
    assert files.lock_holder(path) == 4711
    os.close(fd)
    assert files.lock_holder(path) is None  # though the file still says 4711


def test_one_who_asks_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("4711")
    asking = os.open(path, os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    assert files.lock_holder(str(path)) is None
    os.close(asking)
