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
STREAM_MAX = 8 * BODY_MAX
LINE_MAX = 16 * 1024 * 1024  # bytes of an event, and so of one of its lines
_FIELDS = frozenset({b"id", b"event", b"data"})
_DIGITS_MAX = 15  # of a number in a head; Python itself refuses to read one of thousands


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

    def taken(self) -> bytes:
        """What was received and not read yet, for whoever goes on with the socket alone."""
        found, self._buffer = self._buffer, b""
        return found

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
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes as they come. Raises Cut when there are fewer."""
        while size > 0:
            if not self._buffer:
                self._buffer = self._more(min(max(size, 65536), 1 << 20))
            part = self._buffer[:size]
            self._buffer = self._buffer[len(part) :]
            size -= len(part)
            yield part

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
        body = b"".join(_chunks(reader, BODY_MAX))
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
        body = b"".join(_chunks(reader, BODY_MAX)) if chunked else reader.exactly(_content_length(headers))
        raise Refused(Response(status, body))
    if not chunked:
        raise Cut("an event stream must be chunked")
    fields: dict[bytes, list[bytes]] = {}
    size = 0
    for text in _lines(_chunks(reader, STREAM_MAX)):
        size += len(text)
        if size > LINE_MAX:
            raise Cut("an event is too long")
        if text:
            name, _, value = text.partition(b":")
            if name in _FIELDS:
                fields.setdefault(name, []).append(value.removeprefix(b" "))
        else:
            event = _event(fields)
            fields, size = {}, 0
            if event is not None:
                yield event


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a stream without their ends. Raises Cut for one that is too long."""
    pending = bytearray()
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            pending += line
            yield bytes(pending).rstrip(b"\r")
            pending.clear()
        pending += rest
        if len(pending) > LINE_MAX:
            raise Cut("an event is too long")


class Refused(Exception):
    """The runner answered an event stream's request with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


def _event(fields: dict[bytes, list[bytes]]) -> Event | None:
    """The event of these lines; of a name that comes twice the last one counts, but for data."""
    try:
        data = json.loads(b"\n".join(fields.get(b"data", [])))
        number = int(fields.get(b"id", [b"0"])[-1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    return Event(number, fields.get(b"event", [b"message"])[-1].decode("ascii", "replace"), data)


def _read_head(reader: Reader) -> tuple[int, dict[str, str]]:
    first = reader.line().split(b" ", 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not _number(first[1]):
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
    text = headers.get("content-length", "0").encode("latin-1")  # as it came: str.isdigit is true for a superscript
    if not _number(text) or int(text) > BODY_MAX:
        raise Cut("the answer's length is not usable")
    return int(text)


def _number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _DIGITS_MAX


def _chunks(reader: Reader, limit: int) -> Iterator[bytes]:
    """The content of a chunked body as it comes. Raises Cut when it is cut, malformed or larger than `limit`."""
    total = 0
    while True:
        try:
            size = int(reader.line().split(b";")[0], 16)
        except ValueError as exc:
            raise Cut("a chunk's size is not a number") from exc
        total += size
        if size < 0 or total > limit:
            raise Cut("a chunk's size is not usable")
        if size == 0:
            _trailers(reader)
            return
        yield from reader.pieces(size)
        if reader.line():
            raise Cut("a chunk is longer than it said")


def _trailers(reader: Reader) -> None:
    """Skip what may come after the last chunk."""
    size = 0
    while line := reader.line():
        size += len(line)
        if size > HEAD_MAX:
            raise Cut("the answer's tail is too long")
