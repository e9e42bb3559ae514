"""A paramiko channel behind the link's own interface (channel.py).

Measured lessons: reads are one-shot (a level-triggered one spins while the other side is blocked); sends block when
the peer's window is full, so they run in a pool of the link's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Executor
from typing import Any

from maw import protocol
from maw.link.lib import paramiko

CHUNK = 256 * 1024  # bytes read at once
LARGE = 32 * 1024  # a read of this size is part of a transfer


class ParamikoChannel:
    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def settimeout(self, seconds: float | None) -> None:
        self._channel.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        data = self._channel.recv(size)
        assert isinstance(data, bytes)
        return data

    def sendall(self, data: bytes) -> None:
        send_all(self._channel, data)

    def ended(self) -> bool:
        return bool(self._channel.closed or self._channel.eof_received)

    def complaint(self) -> str:
        """stderr may trail stdout's end by a moment."""
        said = b""
        with contextlib.suppress(OSError):
            self._channel.settimeout(1.0)
            while len(said) < protocol.NOISE_MAX and (part := self._channel.recv_stderr(4096)):
                said += part
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def flow(self, executor: Executor) -> ParamikoFlow:
        return ParamikoFlow(self._channel, executor)

    def close(self) -> None:
        self._channel.close()


class _Arrival:
    """Wakes the event loop when a channel has something to read.

    It stands where paramiko puts a pipe for `channel.fileno()`: a pipe costs two descriptors a channel, and closing
    it races with paramiko's own thread writing to it, by then perhaps somebody else's descriptor.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()
        self._armed = False

    def set(self) -> None:
        """Called by paramiko's thread for each packet; only the first since somebody waits wakes the loop."""
        if self._armed:
            self._armed = False
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        """Called by paramiko when the buffer is empty."""

    def arm(self) -> None:
        self._event.clear()
        self._armed = True

    async def wait(self) -> None:
        await self._event.wait()


class ParamikoFlow:
    def __init__(self, channel: Any, executor: Executor) -> None:
        self._channel = channel
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._last = 0  # bytes of the last read
        self._arrival = _Arrival(self._loop)
        for buffer in (channel.in_buffer, channel.in_stderr_buffer):
            buffer.set_event(self._arrival)

    async def receive(self) -> bytes:
        data = await self._receive()
        self._last = len(data)
        return data

    async def send(self, data: bytes) -> None:
        await self._in_thread(send_all, self._channel, data)

    async def finish(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            await self._in_thread(self._channel.shutdown_write)

    async def abandon(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            await self._in_thread(self._channel.close)

    async def until_closed(self) -> None:
        """Wait until the peer has closed the channel, not only its writing side."""
        self._arrival.arm()
        while not self._channel.closed:
            await self._arrival.wait()
            self._arrival.arm()

    async def _receive(self) -> bytes:
        channel = self._channel
        while True:
            self._arrival.arm()
            self._drain_stderr()
            ended = channel.closed or channel.eof_received  # asked before the buffer: data always comes before the end
            if channel.recv_ready():
                # After much data paramiko grants the peer more window, and that write can block: not in the loop.
                large = self._last >= LARGE
                data = await self._in_thread(channel.recv, CHUNK) if large else channel.recv(CHUNK)
                assert isinstance(data, bytes)
                return data
            if ended:
                return b""
            await self._arrival.wait()

    def _drain_stderr(self) -> None:
        """What the node says on stderr is not for the client, but unread it would use up the channel's window."""
        while self._channel.recv_stderr_ready():
            self._channel.recv_stderr(CHUNK)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await self._loop.run_in_executor(self._executor, function, *arguments)


def send_all(channel: Any, data: bytes) -> None:
    """Send it all, blocking. (paramiko's `sendall` loops for ever once its own side has sent EOF.) Raises OSError."""
    view = memoryview(data)
    while view:
        try:
            sent = channel.send(view)
        except (paramiko.SSHException, EOFError) as exc:
            raise ConnectionResetError(str(exc)) from exc
        if not sent:
            raise BrokenPipeError("the channel is closed")
        view = view[sent:]
