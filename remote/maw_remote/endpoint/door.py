"""What the embedded SSH endpoint grants: a public key on its list, and the gate's verbs. Nothing else."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Any

import paramiko

from maw.errors import FatalError
from maw_remote.endpoint import authorized

AUTH_TRIES = 6  # keys one connection may offer, as OpenSSH's MaxAuthTries
CHANNELS = 10  # sessions on one connection, as OpenSSH's MaxSessions

log = logging.getLogger("maw.endpoint")


class Door(paramiko.ServerInterface):  # type: ignore[misc]  # paramiko has no types
    """Asked by paramiko, in the connection's own thread. What is not overridden here is refused by paramiko:
    shells, terminals, subsystems, environment, forwarding of any kind."""

    def __init__(self, transport: Any, run: Callable[[Any, str], None]) -> None:
        self._transport = transport
        self._run = run
        self._tries = 0
        self._channels: set[Any] = set()  # paramiko itself forgets channels, which closes them

    def ended(self, channel: Any) -> None:
        """A session is over: its place is free."""
        self._channels.discard(channel)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: Any) -> int:
        """Any user name will do: the endpoint is one account's, and only the key says who comes."""
        self._tries += 1
        known = self._tries <= AUTH_TRIES and _name_of(key.asbytes()) is not None
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session":
            return int(paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)
        self._hold_opened()
        if len(self._channels) >= CHANNELS:
            return int(paramiko.OPEN_FAILED_RESOURCE_SHORTAGE)
        return int(paramiko.OPEN_SUCCEEDED)

    def _hold_opened(self) -> None:
        """Take the channels opened so far out of paramiko's queue, and let go of those the client closed unused."""
        while (opened := self._transport.accept(0)) is not None:
            self._channels.add(opened)
        self._channels = {channel for channel in self._channels if not channel.closed}

    def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
        self._hold_opened()
        self._run(channel, command.decode("utf-8", "replace"))
        return True


def _name_of(blob: bytes) -> str | None:
    """Who has this key, None when nobody we know. The list is read anew, so that a change holds at once."""
    try:
        keys = authorized.load()
    except FatalError as exc:
        log.error("%s", exc.message)
        return None
    return next((key.name for key in keys if hmac.compare_digest(key.blob, blob)), None)
