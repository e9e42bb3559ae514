"""A small HTTP server on a unix socket: what the link's tests put behind the gate. Run as a script with a directory.

POST /echo gives the body back; POST /up its length; GET /down?N sends N bytes; GET …/N-MS/events sends N events, one
each MS milliseconds, after Last-Event-ID; GET /stuck never ends; GET /stuck-now tells how many of those there are.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

HELLO = {"v": 1, "protocol": [1, 1], "version": "0.1.0", "features": [], "node_id": "n", "boot_id": "b", "profiles": {}}
STUCK = set()


async def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / "hello.json").write_text(json.dumps(HELLO))
    path = directory / "runner.sock"
    path.unlink(missing_ok=True)
    os.umask(0o177)
    async with await asyncio.start_unix_server(serve, path=str(path), limit=1 << 20) as server:
        await server.serve_forever()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await answer(reader, writer)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    _, target, _ = head[0].split()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path, _, query = target.partition("?")
    if path == "/echo":
        send(writer, body)
    elif path == "/api/v1/tasks":
        send(writer, b'{"v":1,"id":"x","state":"queued"}')
    elif path == "/up":
        send(writer, str(len(body)).encode())
    elif path == "/stuck-now":
        send(writer, str(len(STUCK)).encode())
    elif path == "/api/v1/status":
        send(writer, b"{}")
    elif path == "/down":
        await down(writer, int(query))
    elif path == "/stuck":
        STUCK.add(writer)
        try:
            await reader.read()
        finally:
            STUCK.discard(writer)
    elif path.endswith("/events"):
        number, milliseconds = (int(part) for part in path.split("/")[-2].split("-"))
        await events(writer, int(headers.get("last-event-id", "0")), number, milliseconds / 1000)
    await writer.drain()


def send(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def down(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    block = os.urandom(256 * 1024)
    while size > 0:
        writer.write(block[:size])
        await writer.drain()
        size -= len(block)


async def events(writer: asyncio.StreamWriter, after: int, number: int, pause: float) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for event in range(after + 1, number + 1):
        data = json.dumps({"v": 1, "number": event, "sent": time.time()})
        kind = "done" if event == number else "text"
        chunk = f"id: {event}\nevent: {kind}\ndata: {data}\n\n".encode()
        writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        await writer.drain()
        await asyncio.sleep(pause)
    writer.write(b"0\r\n\r\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
