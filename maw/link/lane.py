"""One SSH connection and its channels: made when somebody asks, made anew when it broke."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor
from typing import Any, NamedTuple

from maw.errors import NodeError
from maw.link import channels
from maw.link.channel import Connection
from maw.link.channels import Line, Pool
from maw.link.choice import record
from maw.link.dial import Dialer
from maw.link.failures import Failures
from maw.link.target import Target
from maw.link.terms import INTERVAL, MISSES

log = logging.getLogger("maw.link")


class Habits(NamedTuple):
    """What tests shorten. Seconds; `keys` are private keys a person unlocked, offered instead of those on disk.
    `since`: who started the link has waited since that time.monotonic(), and connects soon."""

    idle_exit: float = 600.0
    ping: float = INTERVAL
    misses: int = MISSES
    black_hole: float = 60.0
    keys: list[Any] | None = None
    since: float | None = None


class Lane:
    """`name` is 'requests' or 'streams', for the log."""

    def __init__(
        self, name: str, target: Target, executor: Executor, failures: Failures, dialer: Dialer, *, spares: int
    ) -> None:
        self._name = name
        self._target = target
        self._dialer = dialer
        self._executor = executor
        self._failures = failures
        self._spares = spares
        self._connection: Connection | None = None
        self._pool: Pool | None = None
        self._connecting: asyncio.Task[Pool] | None = None

    async def line(self) -> tuple[Pool, Line]:
        """A channel to the runner and the pool to give it back to. Raises NodeError.

        A connection that turns out to be dead before a byte was copied is replaced without the client's knowing.
        """
        try:
            return await self._try_line()
        except NodeError as exc:
            if exc.code != "lost":
                raise
        return await self._try_line()

    async def warm(self) -> None:
        """Connect and open the spares ahead; a failure is the next client's to hear."""
        try:
            (await self._connected()).warm()
        except NodeError as exc:
            log.info("%s: not warmed: %s", self._name, exc.message)

    def close(self) -> None:
        """Blocking; from any thread once the loop has ended."""
        if self._connection is not None:
            self._connection.close()

    async def _try_line(self) -> tuple[Pool, Line]:
        pool = await self._connected()
        era = self._failures.era
        try:
            line = await pool.take()
        except NodeError as exc:
            self._failures.failed(exc, era)
            raise
        self._failures.clear()
        return pool, line

    async def _connected(self) -> Pool:
        error = self._failures.remembered()
        if error is not None:
            raise error
        if self._pool is not None and self._connection is not None and self._connection.alive():
            return self._pool
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        return await asyncio.shield(self._connecting)  # others may wait for it too

    async def _connect(self) -> Pool:
        loop = asyncio.get_running_loop()
        era = self._failures.era
        begin = time.monotonic()
        try:
            connection = await loop.run_in_executor(self._executor, self._dial)
        except NodeError as exc:
            log.warning("%s: %s: %s", self._name, exc.code, exc.message)
            self._record("")
            self._failures.failed(exc, era, slow=time.monotonic() - begin >= self._target.connect_timeout)
            raise
        finally:
            self._connecting = None
        self._record(connection.note)
        log.info("%s: connected to %s", self._name, connection.route.where)
        pool = Pool(connection, self._target, self._executor, spares=self._spares)
        self._connection, self._pool = connection, pool

        def lost() -> None:
            try:
                loop.call_soon_threadsafe(self._lost, connection, pool)
            except RuntimeError:  # the loop has ended, and with it the link
                connection.close()

        connection.watch(lost)
        return pool

    def _record(self, note: str) -> None:
        """Leave a word on the transport, also of an attempt that failed. In the loop: two lanes write one file."""
        choice = self._dialer.choice
        if choice is not None:
            try:
                record(self._target.node, choice._replace(note=note))
            except OSError as exc:  # a full disk
                log.warning("%s: `maw doctor` will not know the transport: %s", self._name, exc.strerror)
            log.info("%s: by %s (%s)", self._name, choice.transport, choice.why)

    def _dial(self) -> Connection:
        return self._dialer.connect(self._name)

    def _lost(self, connection: Connection, pool: Pool) -> None:
        log.warning("%s: the connection to %s ended", self._name, connection.route.where)
        pool.close(channels.lost(connection.route.where, EOFError()))
        if self._connection is connection:
            self._connection = self._pool = None
        self._executor.submit(connection.close)
