"""The lines that two maws open with: what is none is refused, whatever it is."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maw import protocol, reach
from maw.errors import NodeError
from maw.link.channels import read_hello
from maw.link.target import Target

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["v", "hello", "error", "protocol", "code", "message", "hint", "version"])
MESSAGES = st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=4) | st.just([1, 1]), max_size=5)
HELLO = protocol.hello("1", "n", "b", [], {})
TARGET = Target("pro", "host", None, None, "maw-runner", None, 2.0)


@given(JSON)
@example([1, 10**400])
@example([float("-inf"), float("inf")])
def test_a_range_is_two_numbers_around_ours(other: object) -> None:
    if protocol.meets(other):
        assert isinstance(other, list) and other[0] <= protocol.PROTOCOL_MAX and other[1] >= protocol.PROTOCOL_MIN


@given(
    st.binary(max_size=80) | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'"\\ud800"', b"\xff"])
)
def test_a_line_is_an_object_or_refused(data: bytes) -> None:
    try:
        assert isinstance(protocol.parse_line(data), dict)
    except ValueError:
        pass


@given(MESSAGES)
def test_what_was_written_is_read(message: dict[str, object]) -> None:
    line = protocol.line(message)
    assert line.isascii() and line.count(b"\n") == 1
    assert protocol.parse_line(line) == message


def preface(data: bytes) -> protocol.Json | None:
    """What a client makes of a link that sends this and hangs up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        return reach._read_preface(ours, "pro", reach.time.monotonic() + 10).hello


@given(MESSAGES.map(protocol.line) | st.binary(max_size=80) | st.just(b"x" * 70_000) | st.just(b"[" * 60_000 + b"\n"))
@example(b"")
@example(protocol.preface(HELLO)[:-1])
@example(protocol.line({"error": {"code": 5, "message": None, "hint": []}}))
def test_a_preface_is_a_hello_or_an_error(data: bytes) -> None:
    try:
        hello = preface(data)
    except NodeError as exc:
        assert exc.code and isinstance(exc.message, str) and isinstance(exc.hint, str | None)
    else:
        assert hello is not None and protocol.meets(hello["protocol"])


# A login shell's noise before the magic

NOISE = st.lists(
    st.binary(max_size=30) | st.sampled_from([b"\x00MAW1", b"MAW1\n", b"\x00", b"\x1b[2J", b"\r\n"]), max_size=6
)
CUTS = st.lists(st.integers(1, 400), max_size=8)


def hear(data: bytes, cuts: list[int]) -> tuple[protocol.Json, bytes]:
    """What a link makes of a host that sends this, in pieces that end at `cuts`, and hangs up."""
    ends = sorted({cut for cut in cuts if cut < len(data)} | {len(data)})
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return read_hello(lambda: pieces.pop(0) if pieces else b"", TARGET, lambda: "its last words")


@given(NOISE.map(b"".join), st.binary(max_size=20), CUTS)
def test_noise_is_skipped_and_nothing_behind_the_hello_is_lost(noise: bytes, early: bytes, cuts: list[int]) -> None:
    if protocol.MAGIC in noise + protocol.MAGIC[:-1]:
        return
    message, rest = hear(noise + protocol.MAGIC + protocol.line(HELLO) + early, cuts)
    assert message == HELLO
    assert early.startswith(rest)  # the others are still to be received


@pytest.mark.parametrize("size", [0, 1, 1000, protocol.NOISE_MAX - 6, protocol.NOISE_MAX])
def test_noise_of_64_kib_is_skipped(size: int) -> None:
    assert hear(b"x" * size + protocol.MAGIC + protocol.line(HELLO), [])[0] == HELLO


@given(NOISE.map(b"".join), MESSAGES.map(protocol.line) | st.binary(max_size=60), CUTS, st.integers(0, 300))
def test_whatever_a_host_says_ends_in_a_hello_or_an_error(noise: bytes, said: bytes, cuts: list[int], cut: int) -> None:
    for data in (noise + protocol.MAGIC + said, (noise + protocol.MAGIC + protocol.line(HELLO))[:cut]):
        try:
            message, _ = hear(data, cuts)
        except NodeError as exc:
            assert exc.code and exc.message
        else:
            assert protocol.meets(message["protocol"])


@pytest.mark.parametrize("start", [b"", protocol.MAGIC, protocol.MAGIC + b'{"a":"'])
def test_a_host_that_never_stops_talking_is_given_up(start: bytes) -> None:
    taken = 0

    def receive() -> bytes:
        nonlocal taken
        taken += 65536
        return start if taken == 65536 else b"x" * 65536

    with pytest.raises(NodeError) as caught:
        read_hello(receive, TARGET, lambda: "")
    assert caught.value.code == "no_runner"
    assert taken <= 4 * 65536


def test_an_errors_words_are_text(home: object) -> None:
    with pytest.raises(NodeError) as caught:
        hear(
            protocol.MAGIC + json.dumps({"error": {"code": ["x"], "message": {"a": 1}, "hint": 3}}).encode() + b"\n", []
        )
    assert isinstance(caught.value.code, str) and caught.value.hint is None
