"""HTTP/1.1 and Server-Sent Events over an open socket, as small as maw's own requests allow.

The hook path uses this instead of http.client, whose import alone costs 48 ms of CPU. One request per connection.
A connection that ends early is always an error here: over SSH a cut stream shows only as a missing last chunk or a
short body. The writing side is never shut down early, since uvicorn takes a half-closed client for a gone one.

Formats: RFC 9112 (framing), WHATWG HTML, section 9.2 (event streams).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from maw.light import Any, NamedTuple

HEAD_MAX = 64 * 1024
BODY_MAX = 512 * 1024 * 1024
LINE_MAX = 16 * 1024 * 1024


class Cut(Exception):
    """The connection ended before the answer did, or what came is not HTTP."""


class Response(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises Cut when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise Cut(f"the answer is not JSON: {exc}") from exc


class Event(NamedTuple):
    id: int
    type: str
    data: dict[str, Any]


class Reader:
    """Buffered reading from a socket; `recv(n)` returns b'' at the end, like socket.recv."""

    def __init__(self, sock: socket.socket) -> None:
        self._recv = sock.recv
        self._buffer = b""

    def push(self, data: bytes) -> None:
        """Put `data` before what is still to be read."""
        self._buffer = data + self._buffer

    def line(self, limit: int = HEAD_MAX) -> bytes:
        """One line without its end. Raises Cut at the end of the stream or beyond `limit` bytes."""
        parts = []
        size = 0
        while (end := self._buffer.find(b"\n")) < 0:
            parts.append(self._buffer)
            size += len(self._buffer)
            if size > limit:
                raise Cut("a line is too long")
            self._buffer = self._more()
        parts.append(self._buffer[:end])
        self._buffer = self._buffer[end + 1 :]
        return b"".join(parts).rstrip(b"\r")

    def exactly(self, size: int) -> bytes:
        parts = []
        while size > 0:
            if not self._buffer:
                self._buffer = self._more(min(max(size, 65536), 1 << 20))
            part = self._buffer[:size]
            self._buffer = self._buffer[len(part) :]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _more(self, size: int = 65536) -> bytes:
        data = self._recv(size)
        if not data:
            raise Cut("the connection ended before the answer did")
        return data


def send_request(
    sock: socket.socket, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> None:
    """Write one request. `path` is the request target, already encoded."""
    lines = [f"{method} {path} HTTP/1.1", "Host: maw", "Connection: close"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"
    if len(body) > 65536:  # no second copy of a large diff
        sock.sendall(head)
        sock.sendall(body)
    else:
        sock.sendall(head + body)


def read_response(reader: Reader) -> Response:
    """The whole answer. Raises Cut when it is short or not HTTP."""
    status, headers = _read_head(reader)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(_chunks(reader))
    else:
        body = reader.exactly(_content_length(headers))
    return Response(status, body)


def read_events(reader: Reader) -> Iterator[Event]:
    """Events of an SSE answer as they come. Raises Cut when the stream ends without its last chunk.

    Comments (keep-alives) and events without a JSON object are skipped. An event without an id has 0: it tells how
    things are, is not kept, and nobody resumes after it.
    Raises Refused when the answer is not 200.
    """
    status, headers = _read_head(reader)
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    if status != 200:
        body = b"".join(_chunks(reader)) if chunked else reader.exactly(_content_length(headers))
        raise Refused(Response(status, body))
    if not chunked:
        raise Cut("an event stream must be chunked")
    pending = b""
    fields: dict[str, bytes] = {}
    for chunk in _chunks(reader):
        pending += chunk
        *lines, pending = pending.split(b"\n")
        if len(pending) > LINE_MAX:
            raise Cut("an event is too long")
        for raw in lines:
            text = raw.rstrip(b"\r")
            if text:
                name, _, value = text.partition(b":")
                value = value[1:] if value.startswith(b" ") else value
                key = name.decode("ascii", "replace")
                fields[key] = fields[key] + b"\n" + value if key == "data" and key in fields else value
            else:
                event = _event(fields)
                fields = {}
                if event is not None:
                    yield event


class Refused(Exception):
    """The runner answered an event stream's request with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


def _event(fields: dict[str, bytes]) -> Event | None:
    try:
        data = json.loads(fields.get("data", b""))
        number = int(fields.get("id", b"0"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    return Event(number, fields.get("event", b"message").decode("ascii", "replace"), data)


def _read_head(reader: Reader) -> tuple[int, dict[str, str]]:
    first = reader.line().split(b" ", 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise Cut("the answer is not HTTP")
    headers: dict[str, str] = {}
    size = 0
    while raw := reader.line():
        size += len(raw)
        if size > HEAD_MAX:
            raise Cut("the answer's head is too long")
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first[1]), headers


def _content_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not text.isdigit() or int(text) > BODY_MAX:
        raise Cut("the answer's length is not usable")
    return int(text)


def _chunks(reader: Reader) -> Iterator[bytes]:
    total = 0
    while True:
        try:
            size = int(reader.line().split(b";")[0], 16)
        except ValueError as exc:
            raise Cut("a chunk's size is not a number") from exc
        total += size
        if size < 0 or total > BODY_MAX * 8:
            raise Cut("a chunk's size is not usable")
        if size == 0:
            while reader.line():  # trailers
                pass
            return
        yield reader.exactly(size)
        if reader.line():
            raise Cut("a chunk is longer than it said")
