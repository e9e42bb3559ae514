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

LATE = 3  # a wait that took so many times as long was a sleep of this machine


class Watch:
    """Two threads of one transport, which end with it. `lost` is called once, from one of them.

    Patience is counted in waits, not by the clock: a machine that slept has heard nothing for hours, and yet the
    connection may be well. But after a sleep it mostly is not, so the first silence is enough.
    """

    def __init__(
        self, transport: Any, lost: Callable[[], None], *, interval: float = INTERVAL, misses: int = MISSES
    ) -> None:
        self._transport = transport
        self._lost = lost
        self._interval = interval
        self._misses = misses
        self._asking = False  # a ping waits for its answer
        self._answers = 0
        self._ended = threading.Event()
        threading.Thread(target=self._ping, name="maw-ping", daemon=True).start()
        threading.Thread(target=self._watch, name="maw-watch", daemon=True).start()

    def _ping(self) -> None:
        while not self._ended.wait(self._interval):
            self._asking = True
            try:
                # Any answer is a sign of life, also "unknown request".
                self._transport.global_request("keepalive@openssh.com", wait=True)
            except (paramiko.SSHException, EOFError, OSError):
                return  # the connection ended while we wrote; the other thread sees it too
            self._answers += 1
            self._asking = False

    def _watch(self) -> None:
        silent, answers, patience = 0, 0, self._misses
        while self._transport.is_alive():
            begin = time.time()  # the wall clock, which goes on while the machine sleeps
            self._transport.join(self._interval)  # returns at once when the connection ends
            if self._answers != answers:
                silent, answers, patience = 0, self._answers, self._misses
            elif time.time() - begin > self._interval * LATE:
                silent, patience = 0, 1
            elif self._asking:
                silent += 1
            if silent > patience:
                self._transport.close()
                break
        self._ended.set()
        self._lost()
