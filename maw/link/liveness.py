"""Notice that a connection is gone: at once when it ends, within seconds when the peer just falls silent.

paramiko's own keepalive wants no reply, so a frozen host or a black hole goes unnoticed (measured: 15 s and more).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from maw.link.lib import paramiko
from maw.link.terms import INTERVAL, MISSES


class Watch:
    """Two threads of one transport, which end with it. `lost` is called once, from one of them."""

    def __init__(
        self, transport: Any, lost: Callable[[], None], *, interval: float = INTERVAL, misses: int = MISSES
    ) -> None:
        self._transport = transport
        self._lost = lost
        self._interval = interval
        self._misses = misses
        self._asked: float | None = None  # when the unanswered ping was sent
        self._ended = threading.Event()
        threading.Thread(target=self._ping, name="maw-ping", daemon=True).start()
        threading.Thread(target=self._watch, name="maw-watch", daemon=True).start()

    def _ping(self) -> None:
        while not self._ended.wait(self._interval):
            self._asked = time.monotonic()
            try:
                # Any answer is a sign of life, also "unknown request".
                self._transport.global_request("keepalive@openssh.com", wait=True)
            except (paramiko.SSHException, EOFError, OSError):
                return  # the connection ended while we wrote; the other thread sees it too
            self._asked = None

    def _watch(self) -> None:
        while self._transport.is_alive():
            self._transport.join(self._interval)  # returns at once when the connection ends
            asked = self._asked
            if asked is not None and time.monotonic() - asked > self._interval * self._misses:
                self._transport.close()
                break
        self._ended.set()
        self._lost()
