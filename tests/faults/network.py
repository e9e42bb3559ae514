"""A TCP proxy that behaves as networks do, run as a script with the port to lead to.

It prints its own port, then reads modes from standard input, a line each, and answers `ok` once they are in force:
  pass                all is carried
  hole                nothing is carried any more, in old connections and new ones
  refuse              connections are cut, new ones refused
  reset               connections are reset, new ones as soon as something came
  slow BYTES          so many bytes a second each way
  jitter MS           each piece waits for up to so many milliseconds
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
import sys

PIECE = 4096


class Proxy:
    def __init__(self, port: int) -> None:
        self._port = port
        self._mode, self._number = "pass", 0
        self._changed = asyncio.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def run(self) -> None:
        await self._listen()
        print(self.port, flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            await self._set(line[0], int(line[1]) if line[1:] else 0)
            print("ok", flush=True)

    async def _set(self, mode: str, number: int) -> None:
        self._mode, self._number = mode, number
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "refuse":
            await self._refuse()
        elif self._server is None:
            await self._listen()
        if mode in ("refuse", "reset"):
            for writer in list(self._writers):
                _reset(writer)

    async def _listen(self) -> None:
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._serve, sock=self._listener)

    async def _refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, their_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._copy(reader, their_writer), self._copy(their_reader, writer))
        self._writers -= {writer, their_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(PIECE):
                await self._carry(data, writer)
        except OSError:
            pass
        finally:
            writer.close()

    async def _carry(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        while self._mode == "hole":
            await self._changed.wait()
        if self._mode == "reset":
            _reset(writer)
        elif self._mode == "slow":
            await asyncio.sleep(len(data) / self._number)
        elif self._mode == "jitter":
            await asyncio.sleep(random.uniform(0, self._number / 1000))
        writer.write(data)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection by RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


if __name__ == "__main__":
    asyncio.run(Proxy(int(sys.argv[1])).run())
    os._exit(0)
