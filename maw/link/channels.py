"""Channels to the node's runner: open them ahead, hand them out in order, never more than sshd allows.

sshd takes 10 sessions on a connection (MaxSessions); opening one costs a login shell and a Python start, 20 to 50 ms,
so a few wait ready while somebody works with the node.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

from maw import protocol
from maw.errors import NodeError
from maw.link.channel import Channel, Connection
from maw.link.target import Target

LIMIT = 9  # channels on one connection
SPARES = 2
RECENT = 120.0  # seconds after the last use in which spares are opened anew
OPEN_TIMEOUT = 15.0


class Line(NamedTuple):
    """An open channel: what the runner said of itself, and bytes that came with it."""

    channel: Channel
    hello: protocol.Json
    early: bytes


def open_line(connection: Connection, target: Target, timeout: float = OPEN_TIMEOUT) -> Line:
    """Open a channel and read the runner's hello. Blocking. Raises NodeError."""
    channel = connection.open(f"{target.command} connect", time.monotonic() + timeout)
    try:
        channel.settimeout(timeout)
        hello, early = read_hello(lambda: channel.recv(65536), target, channel.complaint)
        channel.settimeout(None)
    except TimeoutError:
        channel.close()
        raise NodeError(
            "timeout",
            f"`{target.command} connect` on {target.host} said nothing for {timeout:g} s",
            hint=f"try `ssh {target.host} {target.command} connect`; a slow ~/.bashrc there runs first",
        ) from None
    except OSError as exc:
        channel.close()
        raise lost(target.host, exc) from exc
    except BaseException:
        channel.close()
        raise
    return Line(channel, hello, early)


def lost(host: str, exc: BaseException) -> NodeError:
    return NodeError(
        "lost",
        f"the connection to {host} broke: {str(exc) or 'it was closed'}",
        hint="maw connects anew with the next command; `maw node test NODE` shows the way step by step",
    )


def read_hello(
    receive: Callable[[], bytes], target: Target, complaint: Callable[[], str]
) -> tuple[protocol.Json, bytes]:
    """The hello after the magic, and what came behind it. Up to NOISE_MAX bytes of a login shell's noise are skipped.

    `receive` returns bytes, b'' at the end; `complaint` is asked for the last words on stderr. Raises NodeError.
    """
    data = _until(receive, b"", protocol.MAGIC, protocol.NOISE_MAX)
    if data is None:
        raise _no_runner(target, complaint())
    rest = data.partition(protocol.MAGIC)[2]
    whole = _until(receive, rest, b"\n", protocol.HELLO_MAX)
    if whole is None:
        raise _no_runner(target, "its hello was cut off")
    text, _, early = whole.partition(b"\n")
    try:
        message = protocol.parse_line(text)
    except ValueError:
        raise _no_runner(target, "its hello is not JSON") from None
    _raise_error(target, message)
    if not protocol.meets(message.get("protocol")):
        raise _version(target, message)
    return message, early


def _until(receive: Callable[[], bytes], data: bytes, end: bytes, limit: int) -> bytes | None:
    while end not in data:
        if len(data) > limit or not (more := receive()):
            return None
        data += more
    return data


def _raise_error(target: Target, message: protocol.Json) -> None:
    error = message.get("error")
    if isinstance(error, dict):
        raise NodeError(
            str(error.get("code", "no_runner")),
            f"{target.host}: {error.get('message', 'the runner cannot be used')}",
            hint=error["hint"] if isinstance(error.get("hint"), str) else None,
        )


def _version(target: Target, message: protocol.Json) -> NodeError:
    return NodeError(
        "version",
        f"{target.host} has maw {message.get('version', '?')} with protocol {message.get('protocol')}, "
        f"this one speaks {protocol.PROTOCOL_MIN} to {protocol.PROTOCOL_MAX}",
        hint=f"install the same version of git-maw on {target.host} and here",
    )


# How shells say that the first line of a script names a program that is not there: bash 5.2, bash before, zsh.
_NO_INTERPRETER = ("required file not found", "bad interpreter")


def _no_runner(target: Target, said: str) -> NodeError:
    hint = (
        f"`maw node install {target.node}` installs maw there, "
        f"`maw node add {target.node} {target.host}` records its path"
    )
    if any(words in said for words in _NO_INTERPRETER):
        hint = f"the Python it was installed with is gone there: {hint}"
    return NodeError(
        "no_runner",
        f"`{target.command} connect` on {target.host} did not answer as a runner" + (f": {said}" if said else ""),
        hint=hint,
    )


class Pool:
    """The channels of one connection. Used from one event loop; blocking work goes to `executor`."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        executor: Executor,
        *,
        spares: int = SPARES,
        limit: int = LIMIT,
    ) -> None:
        self._connection = connection
        self._target = target
        self._executor = executor
        self._spares = spares
        self._limit = limit
        self._ready: deque[Line] = deque()
        self._waiting: deque[asyncio.Future[Line]] = deque()
        self._busy = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._used = 0.0
        self._closed = False
        self._suspect = False  # the last open failed: one probe at a time until one succeeds

    async def take(self) -> Line:
        """A channel of one's own, to be given back. Waits its turn beyond the limit. Raises NodeError."""
        waiter: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._used = time.monotonic()
        self._pump()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                await self.give_back(waiter.result())
            raise

    async def give_back(self, line: Line) -> None:
        """Close a channel that was taken; the next in the queue may open its own."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, line.channel.close)  # it writes, which a stuck peer can block
        self._busy -= 1
        self._pump()

    def warm(self) -> None:
        """Open the spares, though nobody asked for a channel yet."""
        self._used = time.monotonic()
        self._pump()

    def close(self, error: NodeError) -> None:
        """The connection ended: who waits is told."""
        self._closed = True
        self._ready.clear()
        self._fail(error)

    def _pump(self) -> None:
        """Hand ready channels to those who wait, and open what is missing."""
        self._drop_stale()
        while self._waiting and self._ready:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._busy += 1
                waiter.set_result(self._ready.popleft())
        waiting = sum(not waiter.done() for waiter in self._waiting)
        recent = time.monotonic() - self._used < RECENT
        wanted = waiting + (self._spares if recent else 0) - len(self._ready) - len(self._opening)
        room = self._limit - self._busy - len(self._ready) - len(self._opening)
        if self._suspect:
            room = min(room, 1 - len(self._opening))
        for _ in range(0 if self._closed else min(wanted, room)):
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)

    def _drop_stale(self) -> None:
        """A spare whose runner ended has seen its end: it connects to the runner's socket when it is opened."""
        for line in list(self._ready):
            if line.channel.ended():
                self._ready.remove(line)
                self._executor.submit(line.channel.close)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            line = await loop.run_in_executor(self._executor, open_line, self._connection, self._target)
        except NodeError as exc:
            self._opened()
            self._suspect = True
            self._used = 0.0  # no new spares until somebody asks again
            self._fail(exc)
            return
        self._opened()
        self._suspect = False
        self._ready.append(line)
        self._pump()

    def _opened(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._opening.discard(task)

    def _fail(self, error: NodeError) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)
