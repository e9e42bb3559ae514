"""One SSH connection: dial, agree on keys, know the host, log in. Each failure is a NodeError that says what to do.

paramiko's Transport directly, since its SSHClient reads known_hosts its own way and never tries keys in our order.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from maw.errors import NodeError
from maw.link import hostkeys
from maw.link.auth import Ask, authenticate
from maw.link.lib import paramiko
from maw.link.resolve import Route, resolve
from maw.link.target import Target

BANNER_TIMEOUT = 10.0  # seconds; a loaded host takes its time to fork
AUTH_TIMEOUT = 15.0
CHANNEL_TIMEOUT = 15.0  # a login shell with a slow rc file comes before the runner
WINDOW = 16 << 20  # bytes in flight towards us; paramiko's 2 MiB caps a download at 44 MB/s and 30 ms round trip
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")  # the fastest paramiko has; the others stay behind them


class Connection(NamedTuple):
    """`child` is the ProxyCommand's process, if any; `key` the private key that was let in."""

    transport: Any
    route: Route
    child: subprocess.Popen[bytes] | None
    key: Any = None

    def close(self) -> None:
        self.transport.close()
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                self.child.terminate()
            self.child.wait()


Step = Callable[[str, float], None]  # a step's name, and the seconds it took


def connect(
    target: Target,
    *,
    ask: Ask | None = None,
    pin: str | None = None,
    keys: list[Any] | None = None,
    step: Step | None = None,
) -> Connection:
    """A logged-in connection. `pin` is a host key's fingerprint that may be taken without asking.

    Blocking; takes `connect_timeout` at most to reach the host, and then up to 40 s against one that dawdles.
    Raises NodeError.
    """
    clock = _Clock(step)
    route = resolve(target.host, user=target.user, port=target.port)
    clock.lap("resolve")
    sock, child = dial(route, target.connect_timeout)
    clock.lap("connect")
    connection = Connection(_transport(sock), route, child)
    try:
        _meet(connection, target.node, ask, pin)
        clock.lap("host key")
        key = authenticate(connection.transport, route, node=target.node, identity=target.identity, ask=ask, keys=keys)
        clock.lap("login")
    except BaseException:
        connection.close()
        raise
    return connection._replace(key=key)


class _Clock:
    def __init__(self, step: Step | None) -> None:
        self._step = step
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        if self._step is not None:
            self._step(name, now - self._last)
        self._last = now


def dial(route: Route, timeout: float) -> tuple[socket.socket, subprocess.Popen[bytes] | None]:
    """A byte stream to the host's sshd: TCP, or through the proxy command ssh's configuration asks for."""
    if route.proxy is not None:
        return _through(route.proxy)
    try:
        addresses = socket.getaddrinfo(route.hostname, route.port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise NodeError(
            "unresolved",
            f"cannot find {route.where}: {exc.strerror or exc}",
            hint=f"check the name, and whether the network (VPN, Tailscale) that knows it is up: `ssh {route.host}`",
        ) from exc
    return _first_answer(route, addresses, timeout), None


def _first_answer(route: Route, addresses: list[Any], timeout: float) -> socket.socket:
    give_up = time.monotonic() + timeout
    failure: OSError = TimeoutError()
    for family, kind, number, _, address in addresses:
        sock = socket.socket(family, kind, number)
        try:
            sock.settimeout(max(give_up - time.monotonic(), 0.05))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as exc:
            sock.close()
            failure = exc
        else:
            return sock
    raise _unreachable(route, failure, timeout) from failure


def _unreachable(route: Route, failure: OSError, timeout: float) -> NodeError:
    if isinstance(failure, TimeoutError):
        return NodeError(
            "timeout",
            f"{route.where} does not answer (waited {timeout:g} s)",
            hint=f"is it awake and on this network? Try `ssh {route.host}`; `connect_timeout` sets how long maw waits",
        )
    return NodeError(
        "refused",
        f"{route.where} cannot be reached: {failure.strerror or failure}",
        hint=f"is sshd running there, on that port? Try `ssh {route.host}`",
    )


def _through(command: tuple[str, ...]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(list(command), stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)
    return ours, child


def _transport(sock: socket.socket) -> Any:
    transport = paramiko.Transport(sock, default_window_size=WINDOW)
    transport.banner_timeout = transport.handshake_timeout = BANNER_TIMEOUT
    transport.auth_timeout = AUTH_TIMEOUT
    transport.channel_timeout = CHANNEL_TIMEOUT
    options = transport.get_security_options()
    first = [cipher for cipher in CIPHERS if cipher in options.ciphers]
    options.ciphers = [*first, *(cipher for cipher in options.ciphers if cipher not in first)]
    return transport


def _meet(connection: Connection, node: str, ask: Ask | None, pin: str | None) -> None:
    """Agree on keys, and make sure that the host is who it should be."""
    transport, route = connection.transport, connection.route
    entries = hostkeys.known(route)
    _prefer(transport.get_security_options(), hostkeys.key_types(entries))
    _handshake(transport, route)
    key = transport.get_remote_server_key()
    key_type, blob = key.get_name(), key.asbytes()
    try:
        hostkeys.check(route, key_type, blob, entries)
    except NodeError as exc:
        if exc.code != "host_key_unknown" or not _accepted(route, key_type, blob, ask, pin):
            exc.hint = exc.hint and exc.hint.replace("maw connect NODE", f"maw connect {node}")
            raise
        hostkeys.remember(route.known_as, key_type, blob)


def _prefer(options: Any, key_types: list[str]) -> None:
    names = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
    wanted = [name for key_type in key_types for name in names.get(key_type, (key_type,)) if name in options.key_types]
    options.key_types = [*wanted, *(name for name in options.key_types if name not in wanted)]


def _handshake(transport: Any, route: Route) -> None:
    try:
        transport.start_client(timeout=BANNER_TIMEOUT)
    except (paramiko.SSHException, EOFError, OSError) as exc:
        silent = isinstance(exc, TimeoutError) or "timeout" in str(exc).lower()
        told = "the other side hung up" if isinstance(exc, EOFError) or not str(exc) else str(exc)
        raise NodeError(
            "timeout" if silent else "refused",
            f"{route.where} took the connection, but SSH did not begin: {told}",
            hint=f"does `ssh {route.host}` work? It may be overloaded, or no SSH server",
        ) from exc


def _accepted(route: Route, key_type: str, blob: bytes, ask: Ask | None, pin: str | None) -> bool:
    print_ = hostkeys.fingerprint(blob)
    if pin is not None:
        if pin != print_:
            raise NodeError(
                "host_key_changed",
                f"{route.where} shows {key_type} {print_}, not the {pin} you gave",
                hint="compare it with the host's own: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there",
            )
        return True
    return ask is not None and ask.host_key(route.where, key_type, print_)
