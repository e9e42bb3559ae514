"""Find a host's addresses, and give up when the resolver does not answer: getaddrinfo itself knows no timeout."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from maw.errors import NodeError
from maw.link.resolve import Route

Resolver = Callable[[str, int], list[Any]]  # host and port to what getaddrinfo answers; raises OSError


def addresses(route: Route, timeout: float, resolver: Resolver | None = None) -> list[Any]:
    """Where the host can be, as getaddrinfo tells it. Raises NodeError `unresolved`, `timeout` after as many seconds.

    A resolver that hangs keeps its thread until it answers; nothing waits for that.
    """
    answer: list[list[Any] | OSError] = []

    def ask() -> None:
        try:
            answer.append((resolver or _system)(route.hostname, route.port))
        except OSError as exc:
            answer.append(exc)

    thread = threading.Thread(target=ask, name="maw-lookup", daemon=True)
    thread.start()
    thread.join(timeout)
    if not answer:
        raise _silent(route, timeout)
    if isinstance(answer[0], OSError):
        raise _unresolved(route, answer[0]) from answer[0]
    return answer[0]


def _system(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _silent(route: Route, timeout: float) -> NodeError:
    return NodeError(
        "timeout",
        f"cannot find {route.where}: no name server answered within {timeout:g} s",
        hint="is this machine's network up? An address in place of the name needs no name server",
    )


def _unresolved(route: Route, exc: OSError) -> NodeError:
    return NodeError(
        "unresolved",
        f"cannot find {route.where}: {exc.strerror or exc}",
        hint=f"check the name, and whether the network (VPN, Tailscale) that knows it is up: `ssh {route.host}`",
    )
