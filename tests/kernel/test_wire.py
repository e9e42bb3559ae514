"""HTTP and event streams over a socket: what is whole is read, what is cut or malformed is an error, never a part."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw import protocol, wire


class Answer:
    """The bytes a peer sends, in the given pieces, and then the end of the stream."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]


def reader(*pieces: bytes) -> wire.Reader:
    return wire.Reader(Answer(*pieces))  # type: ignore[arg-type]


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


EVENTS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_of_known_length_is_read_whole() -> None:
    response = wire.read_response(
        reader(b"HTTP/1.1 201 Created\r\nContent-", b'Length: 8\r\n\r\n{"a"', b":1} left over")
    )
    assert response.status == 201
    assert response.body == b'{"a":1} '
    assert response.json() == {"a": 1}


@pytest.mark.parametrize("missing", [1, 4, 8])
def test_a_short_body_is_an_error(missing: int) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678"
    with pytest.raises(wire.Cut):
        wire.read_response(reader(whole[:-missing]))


def test_a_chunked_body_is_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert wire.read_response(reader(head + chunked(b"ab", b"c" * 300))).body == b"ab" + b"c" * 300


@pytest.mark.parametrize(
    "tail",
    [b"", b"2\r\nab", b"2\r\nab\r\n", b"zz\r\nab\r\n", b"-1\r\n", b"2\r\nabc\r\n0\r\n\r\n", b"ffffffffffffffff\r\n"],
    ids=["nothing", "no end", "no last chunk", "no number", "negative", "longer than said", "huge"],
)
def test_a_broken_chunk_is_an_error(tail: bytes) -> None:
    with pytest.raises(wire.Cut):
        wire.read_response(reader(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + tail))


@pytest.mark.parametrize(
    "head",
    [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 70_000,
     b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000],
    ids=["ssh", "status", "negative", "huge", "endless line", "endless head"],
)  # fmt: skip
def test_what_is_not_http_is_an_error(head: bytes) -> None:
    with pytest.raises(wire.Cut):
        wire.read_response(reader(head))


def test_an_answer_that_is_not_json_is_an_error() -> None:
    with pytest.raises(wire.Cut, match="not JSON"):
        wire.Response(200, b"<html>").json()


def test_json_that_is_nested_too_deeply_is_an_error() -> None:
    deep = b"[" * 200_000
    with pytest.raises(wire.Cut, match="not JSON"):
        wire.Response(200, deep).json()
    with pytest.raises(ValueError, match="deep"):
        protocol.parse_line(deep)
    body = chunked(b"id: 1\ndata: " + deep + b'\n\nid: 2\ndata: {"ok":1}\n\n')
    assert [event.id for event in wire.read_events(reader(EVENTS_HEAD, body))] == [2]


def test_events_arrive_whatever_the_chunks_are() -> None:
    stream = b': keep-alive\n\nid: 7\nevent: finding\ndata: {"a":1}\n\n'
    stream += b'id: 8\r\nevent: done\r\ndata: {"b":\r\ndata: 2}\r\n\r\n'
    pieces = [chunked(*(stream[i : i + size] for i in range(0, len(stream), size))) for size in (1, 3, 1000)]
    for body in pieces:
        events = list(wire.read_events(reader(EVENTS_HEAD, body)))
        assert events == [wire.Event(7, "finding", {"a": 1}), wire.Event(8, "done", {"b": 2})]


def test_an_event_is_given_out_before_the_stream_ends() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = wire.read_events(wire.Reader(ours))
        theirs.sendall(EVENTS_HEAD + chunked(b'id: 1\nevent: text\ndata: {"x":"y"}\n\n', end=b""))
        assert next(stream).data == {"x": "y"}
        theirs.close()
        with pytest.raises(wire.Cut):
            next(stream)


def test_events_without_number_or_object_are_skipped() -> None:
    body = chunked(b'data: {"a":1}\n\nid: 1\ndata: [1]\n\nid: 2\ndata: {\n\nid: 3\ndata: {"ok":1}\n\n')
    assert [event.id for event in wire.read_events(reader(EVENTS_HEAD, body))] == [0, 3]


def test_a_refused_stream_carries_the_answer() -> None:
    body = json.dumps({"v": 1, "error": {"code": "not_found", "message": "no task"}}).encode()
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(wire.Refused) as caught:
        list(wire.read_events(reader(head + body)))
    assert caught.value.response.json()["error"]["code"] == "not_found"


def test_a_large_request_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    received = bytearray()

    def read() -> None:
        while data := theirs.recv(65536):
            received.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    wire.send_request(ours, "POST", "/api/v1/tasks", b"x" * 300_000, {"Last-Event-ID": "5"})
    ours.close()
    thread.join(10)
    theirs.close()
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert body == b"x" * 300_000
    assert head.startswith(b"POST /api/v1/tasks HTTP/1.1\r\n")
    assert b"Content-Length: 300000" in head
    assert b"Last-Event-ID: 5" in head


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_make_the_reader_fail_otherwise(pieces: list[bytes]) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", EVENTS_HEAD):
        try:
            wire.read_response(reader(prefix, *pieces))
        except wire.Cut:
            pass
        try:
            list(wire.read_events(reader(prefix, *pieces)))
        except (wire.Cut, wire.Refused):
            pass
