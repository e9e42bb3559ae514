"""Unix sockets that only their user can open. Standard library only."""

from __future__ import annotations

import contextlib
import os
import socket


def listen(path: str, backlog: int) -> socket.socket:
    """A listening unix socket, mode 0600 from its first instant on. What a dead process left at `path` is removed:
    the caller holds the lock that says so."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(backlog)
    return listener


def is_still(path: str, bound: os.stat_result) -> bool:
    """Whether the socket's file, as it was right after listen, is there still: nobody can reach us otherwise."""
    try:
        return os.path.samestat(os.stat(path), bound)
    except OSError:
        return False
