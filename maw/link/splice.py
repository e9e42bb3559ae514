"""Copy bytes between a local socket and an SSH channel, both ways at once, without a thread per client.

A large transfer has to let others through, so the loop gets its turn after each large piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Awaitable, Callable

from maw.link.channel import Flow

CHUNK = 256 * 1024  # bytes read at once
LARGE = 32 * 1024  # a read of this size is part of a transfer: others get their turn after it


class Splice:
    """A socket and a channel, copied into each other. Neither is closed here."""

    def __init__(self, sock: socket.socket, flow: Flow) -> None:
        self._sock = sock
        self._flow = flow
        self._loop = asyncio.get_running_loop()

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

    async def run_for_runner(self, until_closed: Callable[[], Awaitable[None]]) -> None:
        """The socket is the runner's, the channel a client's: ends with the answer, or when the client left, which
        `until_closed` waits for.

        That the client has finished writing is not passed on: the runner takes a half-closed client for a gone one.
        """
        tasks = [self._loop.create_task(part) for part in (self._to_channel(), self._until_left(until_closed))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await _end(*tasks)

    async def _requests(self) -> None:
        await self._to_channel()
        if hung_up(self._sock):
            await self._flow.abandon()
        else:
            await self._flow.finish()

    async def _until_left(self, until_closed: Callable[[], Awaitable[None]]) -> None:
        with contextlib.suppress(OSError):  # the runner answered without reading all; its answer counts
            if not await self._to_socket():
                return  # the client asked for nothing: no answer will come
        await until_closed()

    async def _to_channel(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._loop.sock_recv(self._sock, CHUNK):
                await self._flow.send(data)
                if len(data) >= LARGE:
                    await asyncio.sleep(0)

    async def _to_socket(self) -> bool:
        """Whether anything came."""
        came = False
        while data := await self._flow.receive():
            came = True
            await self._loop.sock_sendall(self._sock, data)
            if len(data) >= LARGE:
                await asyncio.sleep(0)
        return came


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def hung_up(sock: socket.socket) -> bool:
    """Whether the peer of a unix socket is gone, rather than done with writing."""
    poll = select.poll()
    try:
        poll.register(sock.fileno(), 0)  # hang-up and errors are always reported
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True
