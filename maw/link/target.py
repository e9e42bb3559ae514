"""What a link needs to know about its node, taken from the configuration once."""

from __future__ import annotations

import os
from typing import NamedTuple

from maw import paths
from maw.config.load import Config

DEFAULT_COMMAND = "maw-runner"


class Target(NamedTuple):
    """`command` is the runner's program there, without its verb. `identity` is the one key to offer, or None for
    whatever ssh would offer. `connect_timeout` is in seconds. `transport` is auto, paramiko or openssh. `endpoint`:
    no sshd is there but `maw-runner serve`. `known_hosts` are files that the user's own ssh has to go by, strictly,
    where the host's key was pinned; else empty."""

    node: str
    host: str
    user: str | None
    port: int | None
    command: str
    identity: str | None
    connect_timeout: float
    transport: str = "auto"
    endpoint: bool = False
    known_hosts: tuple[str, ...] = ()


def from_config(config: Config, node: str) -> Target:
    """The target of a configured node. Raises FatalError when there is none of that name."""
    settings = config.node(node)
    return Target(
        node,
        settings.host,
        settings.user,
        settings.port,
        settings.command or DEFAULT_COMMAND,
        _identity(node, settings.identity),
        config.values["connect_timeout"],
        settings.transport,
        settings.endpoint,
    )


def _identity(node: str, configured: str | None) -> str | None:
    if configured is not None:
        return os.path.expanduser(configured)
    own = paths.node_key_file(node)
    return own if os.path.exists(own) else None
