"""One SSH connection: dial, agree on keys, know the host, log in. Each failure is a NodeError that says what to do.

paramiko's Transport directly, since its SSHClient reads known_hosts its own way and never tries keys in our order.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from maw.errors import NodeError
from maw.link import handshake, hostkeys, liveness, lookup
from maw.link.auth import authenticate
from maw.link.channel import Channel
from maw.link.channels import lost
from maw.link.handshake import Heard
from maw.link.lib import paramiko
from maw.link.paramiko_channel import ParamikoChannel
from maw.link.process_channel import end
from maw.link.resolve import Route
from maw.link.target import Target
from maw.link.terms import (
    AUTH_TIMEOUT,
    INTERVAL,
    MISSES,
    OPEN_NOTE,
    RETRY_PAUSE,
    Clock,
    Step,
    Terms,
)  # fmt: skip

CHANNEL_TIMEOUT = 15.0  # a login shell with a slow rc file comes before the runner
WINDOW = 16 << 20  # bytes in flight towards us; paramiko's 2 MiB caps a download at 44 MB/s and 30 ms round trip
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")  # the fastest paramiko has; the others stay behind them


class ParamikoConnection(NamedTuple):
    """`child` is the ProxyCommand's process, if any; `key` the private key that was let in."""

    transport: Any
    route: Route
    child: subprocess.Popen[bytes] | None
    key: Any = None
    ping: float = INTERVAL
    misses: int = MISSES
    note: str = ""

    @property
    def host_key_type(self) -> str:
        return str(self.transport.get_remote_server_key().get_name())

    def open(self, command: str, give_up: float) -> Channel:
        channel = self._session(give_up)
        try:
            channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError) as exc:
            channel.close()
            raise lost(self.route.host, exc) from exc
        return ParamikoChannel(channel)

    def _session(self, give_up: float) -> Any:
        while True:
            try:
                return self.transport.open_session(timeout=max(give_up - time.monotonic(), 0.1))
            except (paramiko.SSHException, EOFError, OSError) as exc:
                # paramiko keeps one saved exception: under concurrent opens a refusal may come as an SSHException.
                if not self.transport.is_active() or time.monotonic() >= give_up:
                    raise lost(self.route.host, exc) from exc
            time.sleep(RETRY_PAUSE)

    def alive(self) -> bool:
        return bool(self.transport.is_active())

    def watch(self, lost: Callable[[], None]) -> None:
        liveness.Watch(self.transport, lost, interval=self.ping, misses=self.misses)

    def close(self) -> None:
        self.transport.close()
        if self.child is not None and self.child.poll() is None:
            end(self.child)


def connect(route: Route, target: Target, terms: Terms, step: Step | None = None) -> ParamikoConnection:
    """A logged-in connection. Blocking. Raises NodeError, Beyond where OpenSSH's client may do better."""
    if route.options.get("proxyusefdpass") == ("yes",):
        raise NodeError(
            "unresolved",
            f"{route.host} is configured with ProxyUseFdpass, which paramiko cannot do",
            hint=f'set `nodes.{target.node}.transport` to "auto" or "openssh"',
        )
    clock = Clock(step)
    patience = handshake.patience(route, target.connect_timeout, time.monotonic())
    sock, child = dial(route, target.connect_timeout)
    clock.lap("connect")
    connection = ParamikoConnection(_transport(sock), route, child, ping=terms.ping, misses=terms.misses)
    try:
        _prefer(connection.transport.get_security_options(), hostkeys.key_types(hostkeys.known(route)))
        handshake.agree(connection.transport, route, sock, patience)
        _meet(connection, target.node, terms)
        clock.lap("host key")
        key = authenticate(connection.transport, route, target=target, terms=terms)
        clock.lap("login")
    except (paramiko.SSHException, EOFError) as exc:
        connection.close()
        raise handshake.no_ssh(route, exc) from exc
    except BaseException:
        connection.close()
        raise
    note = OPEN_NOTE if "Tailscale" in connection.transport.remote_version else ""
    return connection._replace(key=key, note=note)


def dial(route: Route, timeout: float) -> tuple[Heard, subprocess.Popen[bytes] | None]:
    """A byte stream to the host's sshd: TCP, or through the proxy command ssh's configuration asks for."""
    if route.proxy is not None:
        return _through(route.proxy)
    give_up = time.monotonic() + timeout
    return _first_answer(route, lookup.addresses(route, timeout), timeout, give_up), None


def _first_answer(route: Route, addresses: list[Any], timeout: float, give_up: float) -> Heard:
    failure: OSError = TimeoutError()
    for family, kind, number, _, address in addresses:
        sock = Heard(family, kind, number)
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


def _through(command: tuple[str, ...]) -> tuple[Heard, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(list(command), stdin=theirs.fileno(), stdout=theirs.fileno(), start_new_session=True)
    return Heard(fileno=ours.detach()), child


def _transport(sock: Heard) -> Any:
    transport = paramiko.Transport(sock, default_window_size=WINDOW)
    transport.auth_timeout = AUTH_TIMEOUT
    transport.channel_timeout = CHANNEL_TIMEOUT
    options = transport.get_security_options()
    first = [cipher for cipher in CIPHERS if cipher in options.ciphers]
    options.ciphers = [*first, *(cipher for cipher in options.ciphers if cipher not in first)]
    return transport


def _meet(connection: ParamikoConnection, node: str, terms: Terms) -> None:
    """Make sure that the host is who it should be."""
    route = connection.route
    key = connection.transport.get_remote_server_key()
    key_type, blob = key.get_name(), key.asbytes()
    try:
        hostkeys.check(route, key_type, blob, hostkeys.known(route))
    except NodeError as exc:
        if exc.code != "host_key_unknown" or not accepted(route, key_type, hostkeys.fingerprint(blob), terms):
            exc.hint = exc.hint and exc.hint.replace("maw connect NODE", f"maw connect {node}")
            raise
        hostkeys.remember(route.known_as, key_type, blob)


def _prefer(options: Any, key_types: list[str]) -> None:
    names = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
    wanted = [name for key_type in key_types for name in names.get(key_type, (key_type,)) if name in options.key_types]
    options.key_types = [*wanted, *(name for name in options.key_types if name not in wanted)]


def accepted(route: Route, key_type: str, key_fingerprint: str, terms: Terms) -> bool:
    """Whether a person or their pin takes an unknown host key. Raises NodeError when it is not the pinned one."""
    if terms.pin is not None:
        if terms.pin != key_fingerprint:
            raise NodeError(
                "host_key_changed",
                f"{route.where} shows {key_type} {key_fingerprint}, not the {terms.pin} you gave",
                hint="compare it with the host's own: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there",
            )
        return True
    return terms.ask is not None and terms.ask.host_key(route.where, key_type, key_fingerprint)
