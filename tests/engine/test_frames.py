"""Frames between runner and worker: whole objects, or BadFrame, or the end."""

from __future__ import annotations

import io
import struct
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maw_remote.engine import frames

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=4), st.integers(0, 400))
def test_what_was_written_is_read_and_a_cut_is_the_end(messages: list[frames.Json], cut: int) -> None:
    data = b"".join(map(frames.encode, messages))
    stream = io.BytesIO(data)
    assert [frames.read(stream.read) for _ in messages] == messages
    assert frames.read(stream.read) is None
    stream = io.BytesIO(data[: min(cut, max(len(data) - 1, 0))])
    found = []
    while (message := frames.read(stream.read)) is not None:
        found.append(message)
    assert found == messages[: len(found)]


@given(st.binary(max_size=60), st.booleans())
@example(b"[" * 50_000, True)
@example(b'{"a":' * 50_000, True)
@example(b"9" * 5000, True)
@example(b"\xff\xfe{}", True)
@example(b"null", True)
def test_noise_is_a_bad_frame(body: bytes, whole: bool) -> None:
    """And nothing else, whatever thread or task reads it."""
    data = struct.pack(">I", len(body)) + body if whole else body
    try:
        found = frames.read(io.BytesIO(data).read)
    except frames.BadFrame:
        return
    assert found is None or isinstance(found, dict)


def test_a_length_that_lies_is_refused_before_anything_is_read() -> None:
    with pytest.raises(frames.BadFrame, match="4294967295"):
        frames.read(io.BytesIO(b"\xff\xff\xff\xff" + b"x" * 100).read)
    tracemalloc.start()
    try:
        assert frames.read(io.BytesIO(struct.pack(">I", frames.FRAME_MAX) + b"x" * 100).read) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_message_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(frames.BadFrame):
        frames.encode({"text": "x" * (frames.FRAME_MAX + 1)})
