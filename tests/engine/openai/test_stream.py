"""What servers send is strangers' bytes: whatever comes, it is an answer's part or Garbage, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw_remote.engine.openai import stream, trying
from maw_remote.engine.openai.known import Known, Memory
from maw_remote.engine.openai.stream import Chunk, Events, Garbage
from maw_remote.engine.openai.trying import Failure, Next, decide

NAMES = [
    "choices", "delta", "content", "usage", "error", "message", "logprobs", "token", "bytes", "top_logprobs", "logprob",
    "finish_reason", "text", "data", "embedding", "x",
]  # fmt: skip
keys = st.sampled_from(NAMES)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, values))
def test_any_json_is_a_chunk_or_garbage(data: dict[str, Any]) -> None:
    try:
        found = stream.chunk(data)
    except Garbage:
        return
    assert isinstance(found, Chunk) and isinstance(found.text, str)
    found.text.encode("utf-8")
    assert all(isinstance(token.piece, bytes) and token.logprob == token.logprob for token in found.tokens)


@given(st.binary(), st.integers(1, 20))
def test_any_bytes_are_events_or_garbage(data: bytes, size: int) -> None:
    events = Events()
    try:
        for at in range(0, len(data), size):
            for event in events.feed(data[at : at + size]):
                assert isinstance(event, dict)
    except Garbage:
        pass


@given(st.lists(st.dictionaries(st.text(), st.text()), max_size=4), st.integers(1, 30))
def test_events_come_whole_whatever_the_pieces(sent: list[dict[str, str]], size: int) -> None:
    data = (
        b": hello\n\n" + b"".join(b"data: %b\r\n\r\n" % json.dumps(one).encode() for one in sent) + b"data: [DONE]\n\n"
    )
    events = Events()
    found = [event for at in range(0, len(data), size) for event in events.feed(data[at : at + size])]
    assert found == sent and events.done


@given(st.dictionaries(keys, values), st.integers(1, 3))
def test_vectors_are_finite_and_of_length_one(data: dict[str, Any], count: int) -> None:
    try:
        found = stream.vectors(data, count)
    except Garbage:
        return
    assert len(found) == count


@pytest.mark.parametrize(
    ("failure", "attempt", "others", "expected"),
    [
        (Failure("unreachable"), 1, True, Next(False, on=True)),
        (Failure("unreachable"), 1, False, Next(True, 0.3)),
        (Failure("unreachable"), 2, False, Next(False)),
        (Failure("busy", 2.0), 1, False, Next(True, 2.0)),
        (Failure("busy", 2.0), 1, True, Next(False, on=True)),
        (Failure("busy", 2.0), 3, False, Next(False)),
        (Failure("busy", 60.0), 1, False, Next(False)),
        (Failure("busy"), 1, False, Next(True, 1.0)),
        (Failure("busy"), 1, True, Next(False, on=True)),
        (Failure("busy"), len(trying.PAUSES), False, Next(True, 15.0)),
        (Failure("busy"), len(trying.PAUSES) + 1, False, Next(False)),
        (Failure("failed"), 1, True, Next(False)),
        (Failure("refused"), 1, True, Next(False)),
    ],
)
def test_what_is_tried_again(failure: Failure, attempt: int, others: bool, expected: Next) -> None:
    assert decide(failure, attempt, others=others) == expected


@given(st.none() | st.text())
def test_retry_after_is_seconds_or_nothing(text: str | None) -> None:
    found = trying.retry_after(text)
    assert found is None or 0 <= found < 1e6


def test_what_is_known_of_servers_is_kept(tmp_path: Any) -> None:
    path = str(tmp_path / "servers.json")
    Memory(path).put("u", "m", Known("json", "fp1", 4096))
    assert Memory(path).get("u", "m") == Known("json", "fp1", 4096)
    Memory(path).put("u", "m", Known("json", "fp2", 4096))  # another server now: what it can is to be found out
    assert Memory(path).get("u", "m") == Known(None, "fp2", 4096)
    for damaged in (b"", b"[]", b'{"servers": {"u m": 3}}', b"\xff"):
        (tmp_path / "servers.json").write_bytes(damaged)
        assert Memory(path).get("u", "m") == Known()
