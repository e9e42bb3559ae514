"""A TCP proxy that can fall silent, run as a script with the port to lead to: what a network does to a connection.

It prints its own port. SIGUSR1: the connections there are now never carry another byte, new ones do (Wi-Fi changed).
SIGUSR2: nothing is carried any more, SIGHUP: all of it is again (a black hole, and its end).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys


class Proxy:
    def __init__(self, port: int) -> None:
        self._port = port
        self._era = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._strand)
        loop.add_signal_handler(signal.SIGUSR2, self._flowing.clear)
        loop.add_signal_handler(signal.SIGHUP, self._flowing.set)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    def _strand(self) -> None:
        self._era += 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        era = self._era
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._copy(reader, their_writer, era), self._copy(their_reader, writer, era))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, era: int) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                if era != self._era:
                    await asyncio.Event().wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


if __name__ == "__main__":
    asyncio.run(Proxy(int(sys.argv[1])).run())
    os._exit(0)
