"""An answer from a node that lies, dawdles or never ends: what was whole is read, and nothing is kept by a lie."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maw import wire

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMIT = 16 * 1024


class Peer:
    """A socket whose other side sends what the iterator gives, and then hangs up. `sent` counts what was taken."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.sent = 0

    def recv(self, size: int) -> bytes:
        piece = self._rest or next(self._pieces, b"")
        self._rest = piece[size:]
        self.sent += len(piece[:size])
        return piece[:size]


def reader(data: bytes, *cuts: int) -> wire.Reader:
    """`data` in pieces that end at these places."""
    ends = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    pieces = (data[start:end] for start, end in pairwise(ends))
    return wire.Reader(Peer(piece for piece in pieces if piece))  # type: ignore[arg-type]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(data: bytes, cuts: list[int]) -> bytes:
    """`data` in chunks that end at these places."""
    ends = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return b"".join(chunk(data[start:end]) for start, end in pairwise(ends) if end > start)


# What never ends


def endless(first: bytes, again: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield again


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "status line": (b"HTTP/1.1 200 ", b"O" * 4096),
    "header": (b"HTTP/1.1 200 OK\r\nA: ", b"x" * 4096),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"".join(b"x-%d: y\r\n" % number for number in range(300))),
    "chunk size": (HEAD, b"0" * 4096),
    "chunk extension": (HEAD + b"5;", b"x" * 4096),
    "trailers": (HEAD + b"0\r\n", b"x-%d: y\r\n" * 300),
    "event in one chunk": (HEAD + b"ffffffff\r\ndata: ", b"x" * 4096),
    "event in chunks": (HEAD, chunk(b"x" * 4096)),
    "event of small chunks": (HEAD, chunk(b"x") * 1000),
    "event of data lines": (HEAD, chunk(b"data: xx\n" * 400)),
    "event of empty data lines": (HEAD, chunk(b"data\n" * 800)),
    "event of unknown fields": (HEAD, chunk(b"".join(b"f%d: y\n" % number for number in range(500)))),
    "event of comments": (HEAD, chunk(b": y\n" * 500)),
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize(
    "read", [wire.read_response, lambda found: list(wire.read_events(found))], ids=["body", "events"]
)
def test_what_never_ends_is_given_up(
    what: str, read: Callable[[wire.Reader], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With little memory, and before much more than the limit was read."""
    for name in ("HEAD_MAX", "LINE_MAX", "BODY_MAX"):
        monkeypatch.setattr(wire, name, LIMIT)
    peer = Peer(endless(*ENDLESS[what]))
    tracemalloc.start()
    try:
        with pytest.raises(wire.Cut):
            read(wire.Reader(peer))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * LIMIT
    assert peer.sent < 16 * LIMIT


def test_a_lie_about_a_length_allocates_nothing() -> None:
    for head in (b"HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n", HEAD + b"1fffffff\r\n"):
        tracemalloc.start()
        try:
            with pytest.raises(wire.Cut):
                wire.read_response(reader(head + b"x" * 1000))
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()


def test_a_hundred_thousand_small_chunks_are_one_event() -> None:
    data = b'id: 1\ndata: {"text":"' + b"x" * 100_000 + b'"}\n\n'
    (event,) = wire.read_events(reader(HEAD + chunked(data, list(range(len(data)))) + b"0\r\n\r\n"))
    assert event.data == {"text": "x" * 100_000}


@pytest.mark.parametrize("text", ["²", "٣", "9" * 5000, "1e3", "+1", "-0", "0x10", "1 2", ""])
def test_a_length_that_is_no_number_is_an_error(text: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + text.encode("latin-1", "ignore") + b"\r\n\r\n"
    with pytest.raises(wire.Cut):
        wire.read_response(reader(head + b"x" * 20))


def test_a_status_that_python_cannot_read_is_an_error() -> None:
    with pytest.raises(wire.Cut):
        wire.read_response(reader(b"HTTP/1.1 " + b"2" * 5000 + b" OK\r\n\r\n"))


# What is whole, in whatever pieces; and cut anywhere


PLACES = st.lists(st.integers(0, 2000), max_size=12)
DATA = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=20), max_size=3)
EVENTS = st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from(["text", "done", "x-y"]), DATA), max_size=6)


def stream(events: list[tuple[int, str, dict[str, object]]], end: bytes) -> bytes:
    """As the runner writes it, a keep-alive before each."""
    return b"".join(
        b": keep-alive%s%sid: %d%sevent: %s%sdata: %s%s%s"
        % (end, end, number, end, kind.encode(), end, json.dumps(data).encode(), end, end)
        for number, kind, data in events
    )


@given(EVENTS, st.sampled_from([b"\n", b"\r\n"]), PLACES, PLACES)
def test_events_come_whole_whatever_the_pieces(
    events: list[tuple[int, str, dict[str, object]]], end: bytes, chunks: list[int], pieces: list[int]
) -> None:
    answer = HEAD + chunked(stream(events, end), chunks) + b"0\r\n\r\n"
    assert [tuple(event) for event in wire.read_events(reader(answer, *pieces))] == events


@given(EVENTS, PLACES, st.integers(0, 2000))
def test_a_stream_that_is_cut_gives_its_whole_events_and_says_so(
    events: list[tuple[int, str, dict[str, object]]], chunks: list[int], cut: int
) -> None:
    answer = HEAD + chunked(stream(events, b"\n"), chunks) + b"0\r\n\r\n"
    found: list[tuple[object, ...]] = []
    with pytest.raises(wire.Cut):
        for event in wire.read_events(reader(answer[: min(cut, len(answer) - 1)])):
            found.append(tuple(event))
    assert found == events[: len(found)]


@given(st.binary(max_size=400), st.booleans(), PLACES, PLACES)
def test_a_body_comes_whole_or_not_at_all(body: bytes, in_chunks: bool, chunks: list[int], pieces: list[int]) -> None:
    sized = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    answer = HEAD + chunked(body, chunks) + b"0\r\n\r\n" if in_chunks else sized
    assert wire.read_response(reader(answer, *pieces)).body == body
    for cut in [at for at in pieces if at < len(answer)]:
        with pytest.raises(wire.Cut):
            wire.read_response(reader(answer[:cut]))


PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 404 x\r\n", b"HTTP/1.", b"200", b"\r\n", b"\n", b"\r", b"\0", b"\x80",
    b"Content-Length: 3\r\n", b"content-length:\xb2\r\n", b"Transfer-Encoding: chunked\r\n", b"\xef\xbb\xbf",
    b"0\r\n", b"3\r\nabc\r\n", b"-1\r\n", b"1_0\r\n", b"data: {}\n", b"data:[" * 9, b"id: 1\n", b"id: \xff\n",
    b"event: \xff\xfe\n", b'data: {"a":1e999}\n', b"data: " + b"9" * 5000 + b"\n", b": x\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=9), max_size=20), PLACES, st.sampled_from([b"", HEAD]))
@example([b"HTTP/1.1 200 OK\r\n", b"content-length:\xb2\r\n", b"\r\n"], [], b"")
def test_no_answer_ends_otherwise_than_in_a_cut(parts: list[bytes], pieces: list[int], head: bytes) -> None:
    data = b"".join(parts)
    for answer in (head + data, head + chunked(data, pieces) + b"0\r\n\r\n"):
        try:
            wire.read_response(reader(answer, *pieces)).json()
        except wire.Cut:
            pass
        try:
            for event in wire.read_events(reader(answer, *pieces)):
                assert isinstance(event.data, dict) and isinstance(event.id, int)
        except (wire.Cut, wire.Refused):
            pass
