"""Ask the attendant to work on a repository. Standard library only (hook path)."""

from __future__ import annotations

import os
import socket

from maw import paths, protocol
from maw.errors import FatalError
from maw.light import TYPE_CHECKING
from maw.reach import spawn_detached

if TYPE_CHECKING:
    import subprocess

ANSWER_TIMEOUT = 0.5  # seconds; it answers before it works, so more means that it is leaving or stuck
ANSWER_MAX = 4096


def poke(common_dir: str) -> None:
    """Get the spool of this repository (git's common directory, absolute) delivered, without waiting for that.

    Starts the attendant when it is not there. Never raises: what is not delivered now stays in the spool, and the
    next maw command does it.
    """
    try:
        if not _asked({"v": 1, "op": "drain", "common_dir": common_dir}):
            spawn(common_dir)
    except (OSError, FatalError, ValueError):
        pass


def spawn(common_dir: str) -> subprocess.Popen[bytes]:
    """Start an attendant, detached, whose first work is this repository. Should another one run by then, the new one
    passes the work on to it and leaves, with code 0. Raises OSError."""
    directory = paths.make_private_dir(paths.attendant_dir())
    return spawn_detached(["-m", "maw.attendant", common_dir], os.path.join(directory, "attendant.log"))


def ask(message: protocol.Json, timeout: float = ANSWER_TIMEOUT) -> protocol.Json | None:
    """Send one message and return the answer; None when nobody listens or answers in time. Raises FatalError when
    the socket's path is too long."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            sock.connect(paths.attendant_socket())
            sock.sendall(protocol.line(message))
            return protocol.parse_line(_line(sock))
        except (OSError, ValueError):
            return None


def _asked(message: protocol.Json) -> bool:
    answer = ask(message)
    return answer is not None and answer.get("ok") is True


def _line(sock: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < ANSWER_MAX:
        part = sock.recv(ANSWER_MAX)
        if not part:
            break
        data += part
    return data
