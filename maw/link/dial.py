"""Connect to a node by the transport it needs, and remember which one that was."""

from __future__ import annotations

import base64
import binascii
import os
import time

from maw import files
from maw.errors import NodeError
from maw.link import hostkeys, openssh, transport
from maw.link.channel import Connection
from maw.link.choice import Choice
from maw.link.choose import why_openssh
from maw.link.resolve import Route, resolve
from maw.link.target import Target
from maw.link.terms import Beyond, Clock, Step, Terms


class Dialer:
    """Dials one node again and again. `choice` is what the last attempt took; a link that found paramiko wanting
    goes on with OpenSSH's client. Somebody may have waited `since` a time.monotonic(), while the link started."""

    def __init__(self, target: Target, terms: Terms, since: float | None = None) -> None:
        self.choice: Choice | None = None
        self._target = target
        self._terms = terms
        self._since = since
        self._beyond: str | None = None

    def connect(self, lane: str, step: Step | None = None) -> Connection:
        """A logged-in connection; `lane` names its control socket. Blocking: `connect_timeout` at most to reach the
        host and hear its first word, as much for each silence until keys are agreed on, and up to 25 s against one
        that goes on dawdling. Raises NodeError."""
        try:
            return self._connect(lane, step)
        finally:
            self._since = None  # who comes later waits from then on

    def _connect(self, lane: str, step: Step | None) -> Connection:
        clock = Clock(step)
        route = resolve(self._target.host, user=self._target.user, port=self._target.port)
        clock.lap("resolve")
        self.choice = self._choose(route)
        target = self._target._replace(connect_timeout=self.patience(time.monotonic()))
        if self.choice.transport == "openssh":
            return openssh.connect(route, target, self._terms, lane, step)
        try:
            return transport.connect(route, target, self._terms, step)
        except Beyond as exc:
            if target.transport != "auto":
                raise
            return self._fall_through(exc, route, lane, step)

    def patience(self, now: float) -> float:
        """The seconds of connect_timeout that are left of a wait that has begun already; never less than half of it,
        for on a slow machine the link's own start must not make a node unreachable."""
        whole = self._target.connect_timeout
        return whole if self._since is None else round(max(self._since + whole - now, whole / 2), 1)

    def _choose(self, route: Route) -> Choice:
        if self._terms.keys is not None:
            return Choice("paramiko", "it holds the key that was unlocked")
        if self._beyond is not None:
            return Choice("openssh", self._beyond)
        return choose(route, self._target)

    def _fall_through(self, exc: Beyond, route: Route, lane: str, step: Step | None) -> Connection:
        try:
            connection = openssh.connect(route, self._target, self._terms, lane, step)
        except NodeError as second:
            raise exc if second.code == exc.code else second from None
        self._beyond = exc.why
        self.choice = Choice("openssh", exc.why)
        return connection


def choose(route: Route, target: Target) -> Choice:
    """What the node's setting and, for `auto`, ssh's configuration ask for."""
    if target.transport != "auto":
        return Choice(target.transport, "the node's `transport` says so")
    trusted = next((entry for entry in hostkeys.known(route) if entry.marker == "@cert-authority"), None)
    authority = f"{trusted.file} line {trusted.line}" if trusted else None
    why = why_openssh(route.options, identity=target.identity, authority=authority, is_hardware_key=is_hardware_key)
    return Choice("openssh", why) if why else Choice("paramiko", "nothing asks for more")


def is_hardware_key(path: str) -> bool:
    """Whether the private key file is a FIDO key's (sk-…), by its public half or its own unencrypted head."""
    path = os.path.expanduser(path)
    try:
        public = files.read_optional(path + ".pub")
        if public is not None:
            return public.startswith(b"sk-")
        body = b"".join(line for line in (files.read_optional(path) or b"").splitlines() if not line.startswith(b"-"))
        return b"\0sk-" in base64.b64decode(body)
    except (OSError, binascii.Error):
        return False
