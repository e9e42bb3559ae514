"""Copy bytes between a local socket and an SSH channel, both ways at once, without a thread per client.

Measured lessons: reads are one-shot (a level-triggered one spins while the other side is blocked); sends block when
the peer's window is full, so they run in a pool of the link's own; a large transfer has to let others through.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from concurrent.futures import Executor
from typing import Any

from maw.link.lib import paramiko

CHUNK = 256 * 1024  # bytes read at once
LARGE = 32 * 1024  # a read of this size is part of a transfer: others get their turn after it


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


class Splice:
    """A socket and a channel, copied into each other. Neither is closed here."""

    def __init__(self, sock: socket.socket, channel: Any, executor: Executor) -> None:
        self._sock = sock
        self._channel = channel
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._arrival = _Arrival(self._loop)
        for buffer in (channel.in_buffer, channel.in_stderr_buffer):
            buffer.set_event(self._arrival)

    async def run_for_client(self, early: bytes = b"") -> None:
        """The socket is a client's, the channel leads to the runner: ends with the answer, or when the client left.

        `early` are bytes of the channel that were read already.
        """
        requests = self._loop.create_task(self._requests())
        with contextlib.suppress(OSError):  # the client left; closing the channel tells the other side
            if early:
                await self._loop.sock_sendall(self._sock, early)
            await self._to_socket()
        await _end(requests)

    async def run_for_runner(self) -> None:
        """The socket is the runner's, the channel a client's: ends with the answer, or when the client left.

        That the client has finished writing is not passed on: the runner takes a half-closed client for a gone one.
        """
        tasks = [self._loop.create_task(part) for part in (self._to_channel(), self._until_closed())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await _end(*tasks)

    async def _requests(self) -> None:
        await self._to_channel()
        end = self._channel.close if hung_up(self._sock) else self._channel.shutdown_write
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            await self._in_thread(end)

    async def _until_closed(self) -> None:
        with contextlib.suppress(OSError):  # the runner answered without reading all; its answer counts
            if not await self._to_socket():
                return  # the client asked for nothing: no answer will come
        self._arrival.arm()
        while not self._channel.closed:
            await self._arrival.wait()
            self._arrival.arm()

    async def _to_channel(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._loop.sock_recv(self._sock, CHUNK):
                await self._in_thread(send_all, self._channel, data)
                if len(data) >= LARGE:
                    await asyncio.sleep(0)

    async def _to_socket(self) -> bool:
        """Whether anything came."""
        size = 0
        while data := await self._receive(size):
            size = len(data)
            await self._loop.sock_sendall(self._sock, data)
            if size >= LARGE:
                await asyncio.sleep(0)
        return size > 0

    async def _receive(self, last: int) -> bytes:
        """The channel's next bytes, b'' at its end. `last` is the size of what came before."""
        channel = self._channel
        while True:
            self._arrival.arm()
            self._drain_stderr()
            ended = channel.closed or channel.eof_received  # asked before the buffer: data always comes before the end
            if channel.recv_ready():
                # After much data paramiko grants the peer more window, and that write can block: not in the loop.
                data = await self._in_thread(channel.recv, CHUNK) if last >= LARGE else channel.recv(CHUNK)
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


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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


def hung_up(sock: socket.socket) -> bool:
    """Whether the peer of a unix socket is gone, rather than done with writing."""
    poll = select.poll()
    try:
        poll.register(sock.fileno(), 0)  # hang-up and errors are always reported
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
