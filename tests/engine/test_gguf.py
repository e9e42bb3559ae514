"""The header reader against real, broken and lying files."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maw_remote.engine.gguf import BadModel, Header, read_header
from maw_remote.engine.layers import Layer
from tests.engine.ggufs import KEYS, gguf, pair, text, write
from tests.fixtures.model import EmbeddedModel


def read(data: bytes) -> Header:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read_header(file.name)


def test_a_small_model_is_read_whole() -> None:
    header = read(gguf(tensors=2))
    layers = (Layer(key=32, value=32), Layer(key=32, value=32))
    assert header == Header("llama", "Tiny", "mit", 128, 2, 4, 2, 16, 16, 3, 2, 8192, False, 64, 0, layers, 0)


@pytest.mark.model
def test_the_real_model(embedded_model_file: EmbeddedModel) -> None:
    header = read_header(str(embedded_model_file.path))
    assert (header.architecture, header.context, header.layers, header.heads) == ("llama", 8192, 30, 9)
    assert (header.kv_heads, header.key_length, header.vocabulary, header.tensors) == (3, 64, 49152, 272)
    assert header.chat_template
    assert 0.95 < header.tensor_bytes / embedded_model_file.path.stat().st_size < 1


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(str(tmp_path / "none.gguf"))
    with pytest.raises(BadModel, match="cannot be read"):
        read_header(str(tmp_path))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a GGUF"),
        (b"PK\3\4" + b"\0" * 100, "not a GGUF"),
        (b"\0" * 5000, "not a GGUF"),
        (b"GGUF", "truncated"),
        (b"GGUF" + struct.pack("<IQQ", 1, 1, 1), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "too large to be true"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1 << 60), "too large to be true"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 1 << 63) + b"\0" * 64, "truncated"),  # a key of 8 EiB
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<IIQ", 9, 8, 1 << 50), "too long"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<IIQ", 9, 8, 1 << 20) + b"\0" * 99, "trunc"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<IIQ", 9, 10, 1 << 61) + b"\0" * 9, "trunc"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<IIQ", 9, 9, 1) + b"\0" * 99, "array of"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<II", 77, 1), "unknown type 77"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("t") + struct.pack("<I", 99) + b"\0" * 99, "dimensions"),
        (gguf({"general.name": "x"}), "no architecture"),
        (gguf(tensors=0), "no tensors"),
        (gguf(KEYS | {"split.count": 3}), "join the parts"),
        (gguf(KEYS | {"general.alignment": 1 << 30}), "alignment"),
        (gguf()[:-1], "truncated"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_by_its_fault(data: bytes, said: str) -> None:
    with pytest.raises(BadModel, match=said):
        read(data)


def test_a_vocabulary_that_lies_about_its_last_word_is_caught() -> None:
    lie = pair("tokenizer.ggml.tokens", ["a", "b"])[:-1] + b""
    with pytest.raises(BadModel):
        read(b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + lie)


def test_a_zero_filled_tail_is_not_noticed_by_the_header_but_a_zero_filled_file_is(tmp_path: Path) -> None:
    with pytest.raises(BadModel):
        read_header(str(write(tmp_path / "zero.gguf", bytes(1 << 20))))


_WHOLE = gguf(KEYS | {"tokenizer.chat_template": "{{ x }}"}, tensors=2)


@given(st.integers(0, len(_WHOLE) - 1))
def test_every_cut_of_a_file_is_refused(size: int) -> None:
    with pytest.raises(BadModel):
        read(_WHOLE[:size])


@given(st.data())
def test_damage_ends_in_a_header_or_in_bad_model_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(_WHOLE[:700])
    for at in data.draw(st.lists(st.integers(4, 600), min_size=1, max_size=8)):
        damaged[at] = data.draw(st.sampled_from([0, 1, 8, 9, 127, 128, 255]))
    try:
        assert isinstance(read(bytes(damaged) + _WHOLE[700:]), Header)
    except BadModel:
        pass


@given(st.binary(max_size=300))
def test_noise_after_the_magic_is_refused(noise: bytes) -> None:
    with pytest.raises(BadModel):
        read(b"GGUF" + struct.pack("<I", 3) + noise)
