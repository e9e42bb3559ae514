"""A model file whose header lies: never read beyond its end, nothing allocated by its word, no hang, only BadModel."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maw_remote.engine import gguf
from maw_remote.engine.gguf import BadModel, Header, read_header
from tests.engine.ggufs import KEYS, text
from tests.engine.ggufs import gguf as gguf_file

U32 = [0, 1, 2, 3, 4, 8, 9, 12, 13, 39, 255, 1 << 16, (1 << 31) - 1, (1 << 32) - 1]
U64 = [*U32, 1 << 32, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1]
KINDS = {"B": 0, "b": 1, "H": 2, "h": 3, "I": 4, "i": 5, "f": 6, "?": 7, "Q": 10, "q": 11, "d": 12}


class File:
    """A header as it is written, with the places of all its numbers."""

    def __init__(self) -> None:
        self.data = bytearray(b"GGUF")
        self.numbers: list[tuple[int, str]] = []

    def number(self, form: str, value: int) -> None:
        self.numbers.append((len(self.data), form))
        self.data += struct.pack("<" + form, value)

    def text(self, value: bytes) -> None:
        self.number("Q", len(value))
        self.data += value

    def lied(self, place: int, value: int) -> None:
        at, form = self.numbers[place % len(self.numbers)]
        struct.pack_into("<" + form, self.data, at, value % (1 << (32 if form == "I" else 64)))


def honest() -> File:
    """A whole model with every kind of value, arrays of them, and two tensors."""
    file = File()
    file.number("I", 3)
    file.number("Q", 2)
    file.number("Q", 4 + len(KINDS) * 2)
    for key, value in ((b"general.architecture", b"llama"), (b"tokenizer.chat_template", b"{{ x }}")):
        file.text(key)
        file.number("I", 8)
        file.text(value)
    for form, kind in KINDS.items():
        file.text(b"one." + form.encode())
        file.number("I", kind)
        file.data += struct.pack("<" + form, 1)
        file.text(b"llama.attention.head_count_kv" if form == "I" else b"many." + form.encode())
        file.number("I", 9)
        file.number("I", kind)
        file.number("Q", 3)
        file.data += struct.pack("<3" + form, 1, 1, 1)
    for key in (b"tokenizer.ggml.tokens", b"tokenizer.ggml.merges"):
        file.text(key)
        file.number("I", 9)
        file.number("I", 8)
        file.number("Q", 3)
        for word in (b"a", b"", b"ccc"):
            file.text(word)
    for number in range(2):
        file.text(b"blk.%d" % number)
        file.number("I", 2)
        file.number("Q", 16)
        file.number("Q", 16)
        file.number("I", 0)
        file.number("Q", number * 1024)
    file.data += b"\0" * (-len(file.data) % 32 + 2048)
    return file


PLACES = len(honest().numbers)


def look(path: Path, data: bytes, allowed: int) -> Header | None:
    """The header, None for BadModel; the reader may allocate `allowed` bytes."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        return read_header(str(path))
    except BadModel:
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= allowed, f"{peak:,} bytes for a file of {len(data):,}"


def test_the_honest_file_is_read(home: Path) -> None:
    header = look(home / "m", bytes(honest().data), 1 << 20)
    assert header is not None and (header.tensors, header.kv_heads, header.vocabulary) == (2, 1, 3)
    assert header.tensor_bytes == 2048


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, PLACES - 1), st.sampled_from(U64)), min_size=1, max_size=3),
    st.sampled_from([0, 1, 7, 100, 2048, 3000]),
    st.binary(max_size=40),
)
@example([(2, 10_000)], 0, b"")
@example([(1, 200_000)], 0, b"")
def test_lies_about_sizes_counts_types_and_offsets(
    home: Path, lies: list[tuple[int, int]], cut: int, more: bytes
) -> None:
    file = honest()
    for place, value in lies:
        file.lied(place, value)
    data = bytes(file.data[: len(file.data) - cut]) + more
    header = look(home / "m", data, 256 * 1024 + 4 * len(data))
    if header is not None:
        assert header.tensor_bytes <= len(data) * max(header.tensors, 1)


@pytest.mark.parametrize("place", range(PLACES))
def test_each_number_at_its_largest(home: Path, place: int) -> None:
    file = honest()
    file.lied(place, (1 << 64) - 1)
    look(home / "m", bytes(file.data), 512 * 1024)


@pytest.mark.parametrize("depth", [1, 2, 1000])
def test_arrays_in_arrays_are_refused(home: Path, depth: int) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<I", 9)
    assert look(home / "m", head + struct.pack("<IQ", 9, 1) * depth + b"\0" * 999, 1 << 20) is None


@pytest.mark.parametrize("form", [form for form in KINDS if form not in "fd"])
def test_many_short_arrays_are_not_kept_as_objects(home: Path, form: str) -> None:
    """A thousand numbers of two bytes each would be 36 KB as Python's."""
    count = 1024
    values = struct.pack(f"<{count}{form}", *(number % 2 + (form in "HIQ") * 300 for number in range(count)))
    keys = b"".join(text(f"k{number}") + struct.pack("<IIQ", 9, KINDS[form], count) + values for number in range(300))
    data = b"GGUF" + struct.pack("<IQQ", 3, 1, 300) + keys + b"\0" * 100
    look(home / "m", data, 256 * 1024 + 3 * len(data))


def sparse(path: Path, *parts: tuple[int, bytes]) -> str:
    """A file of 16 GiB that holds next to nothing."""
    with open(path, "wb") as file:
        for at, content in parts:
            file.seek(at)
            file.write(content)
        file.truncate(16 << 30)
    return str(path)


def test_a_hollow_file_of_16_gib_is_not_read(home: Path) -> None:
    """Its lengths are true, so that only a bound of one's own helps: a text of 8 GiB, and words without end."""
    start = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k")
    for content in (struct.pack("<IQ", 8, 8 << 30), struct.pack("<IIQ", 9, 0, 8 << 30)):
        with pytest.raises(BadModel, match="too long to be true"):
            read_header(sparse(home / "m", (0, start + content)))


def test_many_long_texts_of_a_hollow_file_end_at_a_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "HEADER_MAX", 4 << 20)
    monkeypatch.setattr(gguf, "_FIRST_READ", 64 << 10)
    parts = [(0, b"GGUF" + struct.pack("<IQQ", 3, 1, 5000))]
    at = len(parts[0][1])
    for _ in range(5000):
        entry = text("k") + struct.pack("<IQ", 8, 1 << 20)
        parts.append((at, entry))
        at += len(entry) + (1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(BadModel, match="too long to be true"):
            read_header(sparse(home / "m", *parts))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_header_beyond_the_first_read_is_read_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(honest().data)
    wanted = look(home / "m", data, 1 << 20)
    for first in (24, 100, len(data) - 2048):
        monkeypatch.setattr(gguf, "_FIRST_READ", first)
        assert look(home / "m", data, 1 << 20) == wanted


def test_a_file_that_is_cut_short_while_it_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapped memory would end the process then."""
    path = home / "m"
    path.write_bytes(gguf_file(KEYS | {"tokenizer.chat_template": "x" * 50_000}))
    monkeypatch.setattr(gguf, "_FIRST_READ", 100)
    parse = gguf._parse

    def cut_first(cursor: object) -> Header:
        os.truncate(path, 150)
        return parse(cursor)  # type: ignore[arg-type]

    monkeypatch.setattr(gguf, "_parse", cut_first)
    with pytest.raises(BadModel, match="truncated"):
        read_header(str(path))
