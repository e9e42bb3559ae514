"""The first moments of a connection: the host says its first word and agrees on keys, or is given up in time.

`connect_timeout` bounds each silence. A host that goes on speaking, however slowly, may take as long as KEX_TIMEOUT.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, NamedTuple

from maw.errors import NodeError
from maw.link.lib import paramiko
from maw.link.resolve import Route
from maw.link.terms import KEX_TIMEOUT, Beyond

_POLL = 0.05  # seconds between looks at the clock


class Heard(socket.socket):
    """A socket that knows when it last brought something."""

    heard: float | None = None  # time.monotonic(); None before the first byte

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(size, flags)
        if data:
            self.heard = time.monotonic()
        return data


class Patience(NamedTuple):
    """`first`: the time.monotonic() by which the host must have spoken; `silence`: seconds it may pause after that."""

    first: float
    silence: float


def patience(route: Route, connect_timeout: float, begun: float) -> Patience:
    """What a host gets that was dialled at `begun`. A proxy has to get there first, which nothing else bounds."""
    return Patience(begun + connect_timeout * (1 if route.proxy is None else 2), connect_timeout)


def agree(transport: Any, route: Route, sock: Heard, patience: Patience) -> None:
    """Agree on keys. Raises NodeError, Beyond where OpenSSH's client may do better."""
    begin = time.monotonic()
    transport.banner_timeout = transport.handshake_timeout = patience.first - begin + KEX_TIMEOUT  # ours come first
    done = threading.Event()
    transport.start_client(done)
    while not done.wait(_POLL) and transport.is_active():
        _check(route, sock, patience, begin)
    if not transport.initial_kex_done:
        raise _failed(route, transport.get_exception() or EOFError())


def _check(route: Route, sock: Heard, patience: Patience, begin: float) -> None:
    """Raises NodeError `timeout` when the host has had its time."""
    now = time.monotonic()
    if sock.heard is None:
        if now >= patience.first:
            raise silent(route, now - begin)
    elif now - sock.heard >= patience.silence or now >= patience.first + KEX_TIMEOUT:
        raise stopped(route, now - begin)


def _failed(route: Route, exc: BaseException) -> NodeError:
    error = no_ssh(route, exc)
    if isinstance(exc, paramiko.ssh_exception.IncompatiblePeer):
        return Beyond(error, "paramiko and the host have no algorithm in common")
    return error


def silent(route: Route, waited: float) -> NodeError:
    """The host took the connection, and that was all."""
    return NodeError(
        "timeout",
        f"{route.where} took the connection, but said nothing (waited {waited:.1f} s)",
        hint=f"is it overloaded, or no SSH server? Try `ssh {route.host}`; `connect_timeout` sets how long maw waits",
    )


def stopped(route: Route, waited: float) -> NodeError:
    """The host spoke SSH, and fell silent before keys were agreed on."""
    return NodeError(
        "timeout",
        f"{route.where} fell silent before SSH had begun (waited {waited:.1f} s)",
        hint=f"is it overloaded or stopped? Try `ssh {route.host}`; `connect_timeout` sets how long maw waits",
    )


def no_ssh(route: Route, exc: BaseException) -> NodeError:
    """SSH did not begin, or broke off before anybody was logged in."""
    late = isinstance(exc, TimeoutError) or "timeout" in str(exc).lower()
    told = "the other side hung up" if isinstance(exc, EOFError) or not str(exc) else str(exc)
    return NodeError(
        "timeout" if late else "refused",
        f"{route.where} took the connection, but SSH did not begin: {told}",
        hint=f"does `ssh {route.host}` work? It may be overloaded, or no SSH server",
    )
