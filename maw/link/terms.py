"""What whoever wants a connection says about it, the same for both transports."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from maw.errors import NodeError

INTERVAL = 5.0  # seconds between pings
MISSES = 3  # intervals without an answer until the connection counts as dead
KEX_TIMEOUT = 10.0  # seconds; to agree on keys takes a small host its time
AUTH_TIMEOUT = 15.0
RETRY_PAUSE = 0.02  # seconds; sshd frees a session a moment after its channel closed
OPEN_NOTE = "this host lets in without a key, as Tailscale SSH does: the restriction of maw's key does not count there"


class Ask(Protocol):
    """A person at a terminal. The link process has none; `maw connect` and `maw node` do."""

    def host_key(self, where: str, key_type: str, key_fingerprint: str) -> bool:
        """Whether to accept an unknown host key."""

    def passphrase(self, path: str) -> str | None:
        """The passphrase of a key file, None to leave that key out."""


class Terms(NamedTuple):
    """`pin` is a host key's fingerprint that may be taken without asking. `keys` are private keys a person unlocked
    (paramiko's), offered instead of those on disk. `ping` in seconds."""

    ask: Ask | None = None
    pin: str | None = None
    keys: list[Any] | None = None
    ping: float = INTERVAL
    misses: int = MISSES


class Beyond(NodeError):
    """paramiko failed where OpenSSH's client may not; `why` goes into a sentence after "openssh, since"."""

    def __init__(self, error: NodeError, why: str) -> None:
        super().__init__(error.code, error.message, hint=error.hint)
        self.why = why


Step = Callable[[str, float], None]  # a step's name, and the seconds it took


class Clock:
    def __init__(self, step: Step | None) -> None:
        self._step = step
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        if self._step is not None:
            self._step(name, now - self._last)
        self._last = now
