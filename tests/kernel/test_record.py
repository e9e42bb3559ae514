"""Lines of notes: compact and sorted; what is not ours is kept byte for byte. Merging: memory/test_strange_notes.py."""

from __future__ import annotations

import json

import pytest

from maw import record
from maw.record import LINE_MAX, encode, format_note, parse_line, parse_note, standing

GOOD: record.Json = {"v": 1, "id": "a", "ts": "2026-01-01T00:00:00.000Z", "kind": "review"}


def test_a_line_is_compact_sorted_ascii() -> None:
    line = encode(GOOD | {"title": "é\n\x1b", "a": [1, {"z": None, "b": True}]})
    assert line.raw.startswith(b'{"a":[1,{"b":true,"z":null}],"id":"a","kind":"review","title":"\\u00e9\\n\\u001b"')
    assert line.raw.isascii() and b"\n" not in line.raw
    assert line.data == json.loads(line.raw) and line.id == "a"


@pytest.mark.parametrize("key", ["v", "id", "ts", "kind"])
def test_what_lacks_a_key_cannot_be_encoded(key: str) -> None:
    with pytest.raises(ValueError, match="v, id, ts and kind"):
        encode({name: value for name, value in GOOD.items() if name != key})


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"text", b"{", b"[1]", b"7", b"null", b'"s"', b"\xff\xfe", b'{"v":2,"id":"a","ts":"b","kind":"review"}',
        b'{"v":"1","id":"a","ts":"b","kind":"review"}', b'{"v":1,"id":5,"ts":"b","kind":"review"}', b"[" * 100_000,
        b'{"v":1}', b'{"v":1,"id":"a","ts":"b","kind":"review"} x', b" " * (LINE_MAX + 1), b'{"a":1e999999', b"NaN",
    ],
    ids=range(17),
)  # fmt: skip
def test_what_cannot_be_read_is_kept(raw: bytes) -> None:
    line = parse_line(raw)
    assert (line.raw, line.data, line.id) == (raw, None, "")


def test_notes_come_back() -> None:
    raw = b"by hand\n\n" + encode(GOOD).raw + b"\n\xff\r\n"
    lines = parse_note(raw)
    assert [line.raw for line in lines] == [b"by hand", encode(GOOD).raw, b"\xff\r"]
    assert parse_note(format_note(lines)) == lines
    assert parse_note(b"") == parse_note(b"\n \n") == []


def test_standing_is_sorted_and_without_the_retracted() -> None:
    old, new, gone = GOOD | {"id": "o"}, GOOD | {"id": "n", "ts": "2026-02-01T00:00:00.000Z"}, GOOD | {"id": "g"}
    retraction = GOOD | {"id": "r", "kind": "retract", "retracts": "g"}
    lines = [encode(data) for data in (new, gone, retraction, old)] + [parse_line(b"x")]
    assert [data["id"] for data in standing(lines)] == ["o", "n"]


def test_ids_are_unique_and_times_are_utc() -> None:
    assert len({record.new_id() for _ in range(1000)}) == 1000
    assert len(record.new_id()) == 24
    assert record.now().endswith("Z") and len(record.now()) == len("2026-01-01T00:00:00.000Z")


def test_a_long_record_loses_items_and_says_how_many() -> None:
    skipped = [{"path": f"{number}/ü" * 9, "reason": "generated"} for number in range(200)]
    data = GOOD | {"skipped": skipped, "findings": [{"title": "x" * 50}] * 3}
    assert record.fitted(data) == data
    for limit in (600, 2000, 20_000):
        short = record.fitted(data, limit)
        kept = len(short["skipped"]) - 1
        assert len(encode(short).raw) <= limit and short["skipped"][:kept] == skipped[:kept]
        assert short["skipped"][-1]["reason"] == f"and {200 - kept} more skipped, which are not listed"
        assert short["findings"] == data["findings"] and data["skipped"] == skipped
    short = record.fitted(data, 360)
    assert len(encode(short).raw) <= 360 and len(short["findings"]) < 3
    assert "more findings" in short["skipped"][-1]["reason"]


def test_a_record_that_is_long_by_other_means_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        record.fitted(GOOD | {"model": "x" * 1000, "skipped": [{}]}, 500)
