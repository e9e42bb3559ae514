"""Listen on loopback, and copy each request that may pass to the node, and its answer back as it comes.

One request a connection, and one connection to the node for each: its end ends the work there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable

from maw import reach
from maw.errors import FatalError, NodeError
from maw.proxy import head, token
from maw.proxy.head import Forward, Refused

CLIENTS_MAX = 64
# Generations at once over one link. They go where event streams do, which has room for nine: the way of requests, which
# a commit takes, is never full of them.
AT_ONCE = 6
_PATIENCE = 15.0  # seconds for a client to send its head, and between pieces of its body
_CONNECT = 30.0  # seconds until the node is reached; a runner may have to be started
_PIECE = 64 * 1024

log = logging.getLogger("maw.proxy")


def serve(node: str, port: int, started: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM. `started` gets the port once it listens. Raises FatalError."""
    listeners = _listen(port)
    try:
        asyncio.run(_Proxy(node, listeners[0].getsockname()[1]).run(listeners, started))
    finally:
        for listener in listeners:
            listener.close()


def _listen(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where there is one, ::1, which is what some clients mean by localhost."""
    first = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        first.bind(("127.0.0.1", port))
    except OSError as exc:
        first.close()
        taken = exc.errno == errno.EADDRINUSE
        hint = "give another one with --port, and to your editor" if taken else None
        raise FatalError(f"port {port} cannot be used: {exc.strerror}", hint=hint) from exc
    second = _also_ipv6(first.getsockname()[1])
    return [first, second] if second is not None else [first]


def _also_ipv6(port: int) -> socket.socket | None:
    """A socket on ::1, None where there is no IPv6, or somebody else has the port there."""
    try:
        found = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        found.bind(("::1", port))
    except OSError:
        found.close()
        return None
    return found


class _Proxy:
    def __init__(self, node: str, port: int) -> None:
        self._node = node
        self._port = port
        self._room = asyncio.Semaphore(AT_ONCE)
        self._clients: set[asyncio.Task[None]] = set()

    async def run(self, listeners: list[socket.socket], started: Callable[[int], None]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        servers = [await asyncio.start_server(self._accept, sock=sock, limit=head.HEAD_MAX) for sock in listeners]
        started(self._port)
        await stop.wait()
        for server in servers:
            server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= CLIENTS_MAX:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._client(reader, writer)
        except OSError:
            pass  # the client left
        finally:
            self._clients.discard(task)
            writer.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                raw = await reader.readuntil(b"\r\n\r\n")
            asked = head.forward(raw, token.read(), self._port)
            if asked.expects:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with self._room if asked.long else contextlib.nullcontext():
                await self._pass(asked, reader, writer)
        except Refused as exc:
            await _refuse(exc, writer)
        except (asyncio.IncompleteReadError, TimeoutError):
            pass  # it did not say what it wants
        except asyncio.LimitOverrunError:
            await _refuse(Refused(400, "a head that is too long"), writer)

    async def _pass(self, asked: Forward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            connection = await asyncio.to_thread(reach.connect, self._node, streams=asked.long, timeout=_CONNECT)
        except NodeError as exc:
            raise Refused(503, f"{exc.message}; {exc.hint}" if exc.hint else exc.message, exc.code) from exc
        connection.sock.setblocking(False)
        node_reader, node_writer = await asyncio.open_connection(sock=connection.sock)
        try:
            node_writer.write(asked.head)
            await _body(asked.length, reader, node_writer)
            await self._answer(connection.reader.taken(), node_reader, reader, writer)
        finally:
            node_writer.close()

    async def _answer(
        self, early: bytes, node: asyncio.StreamReader, client: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The answer, as it comes; no longer than the client is there."""
        copying = asyncio.create_task(_copy(early, node, writer))
        leaving = asyncio.create_task(_gone(client))
        try:
            await asyncio.wait({copying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if copying.done() and not copying.result():
                raise Refused(502, f"{self._node} gave no answer", "lost")
        finally:
            for task in (copying, leaving):
                task.cancel()
            await asyncio.gather(copying, leaving, return_exceptions=True)


async def _body(length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The request's body and not a byte more: what comes after it is no part of a request that was looked at."""
    while length:
        async with asyncio.timeout(_PATIENCE):
            piece = await reader.read(min(length, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)
        writer.write(piece)
        await writer.drain()
    await writer.drain()


async def _copy(early: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Bytes that were copied, up to the end."""
    count = 0
    piece = early or await reader.read(_PIECE)
    while piece:
        count += len(piece)
        writer.write(piece)
        await writer.drain()
        piece = await reader.read(_PIECE)
    return count


async def _gone(reader: asyncio.StreamReader) -> None:
    """Returns when the client has left. What it still says is nobody's."""
    while await reader.read(_PIECE):
        pass


async def _refuse(exc: Refused, writer: asyncio.StreamWriter) -> None:
    writer.write(exc.answer())
    await writer.drain()
