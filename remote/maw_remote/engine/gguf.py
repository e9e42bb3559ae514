"""Read the header of a GGUF model file: what it is, and whether it is whole.

The reference reader walks the vocabulary with an object per entry and takes 8 to 36 s; this one takes 20 to 30 ms.
A file is a stranger's: every length in it is checked against the file before it is believed, nothing is allocated
by its word, and no more than HEADER_MAX is read. It is not mapped: one that is cut short meanwhile would end the
process (SIGBUS). Format: ggml's docs/gguf.md, versions 2 and 3, little endian.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import IO, NamedTuple

from maw_remote.engine.layers import Layer, layers

MAGIC = b"GGUF"
# Larger numbers are lies: real models have some 50 keys, 1,000 tensors and 300,000 tokens.
KEYS_MAX = 10_000
TENSORS_MAX = 200_000
STRINGS_MAX = 4_000_000
HEADER_MAX = 64 << 20  # bytes; the largest known, with a vocabulary of 262,000, has 16 MB
_FIRST_READ = 8 << 20  # enough for most; what has a longer header is read anew
TEXT_MAX = 1 << 20  # bytes of a text value that is kept
DIMS_MAX = 4

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

# ggml type -> (elements of a block, bytes of a block); ggml.c, type_traits.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
    17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
    35: (256, 66), 39: (32, 17),
}  # fmt: skip

# Q4_0, Q2_K, Q4_K, IQ4_NL; ggml-cpu/repack.cpp. Which of them, depends on the CPU.
_REPACKED = frozenset({2, 10, 12, 20})
_NEVER_REPACKED = (b"token_embd.weight", b"output.weight")


class BadModel(Exception):
    """The file is no model that can be loaded; the message says why, without the path."""


class Header(NamedTuple):
    """What a model file says of itself. Counts are 0 where it says nothing."""

    architecture: str
    name: str
    license: str
    context: int  # tokens it was trained for
    layers: int
    heads: int
    kv_heads: int  # the most of any layer
    key_length: int  # of one head
    value_length: int
    vocabulary: int
    tensors: int
    tensor_bytes: int
    chat_template: bool
    embedding: int = 0  # width of a token between two layers
    feed_forward: int = 0  # the widest within a layer
    each_layer: tuple[Layer, ...] = ()
    repackable: int = 0  # bytes of tensors that llama.cpp may copy into another order for a CPU


def read_header(path: str) -> Header:
    """The header of the model at `path`. Raises BadModel, also when the file is shorter than its tensors, and
    FileNotFoundError."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size < 24:
                raise BadModel("not a GGUF file" if file.read(4) != MAGIC else "the file is truncated")
            return _read(file, size)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as exc:
        raise BadModel(f"the file cannot be read: {exc}") from exc


def open_regular(path: str) -> IO[bytes]:
    """The file at `path`, to be read. Raises OSError, also for what is no regular file: a device or a pipe that never
    answers would hold whoever reads it for ever."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return open(fd, "rb")
    os.close(fd)
    raise OSError(errno.EINVAL, "not a regular file", path)


def _read(file: IO[bytes], size: int) -> Header:
    """Parse the beginning of the file, and more of it where the header goes on."""
    data, wanted = b"", _FIRST_READ
    while True:
        data += file.read(min(wanted, size) - len(data))
        try:
            return _parse(_Cursor(data, size))
        except _TooShort as exc:
            if len(data) < min(wanted, size):
                raise BadModel("the file is truncated") from exc
            wanted = max(2 * wanted, exc.needed)
            if wanted > HEADER_MAX:
                raise BadModel("the header is too long to be true") from exc


class _Tensors(NamedTuple):
    """Bytes, and of those the ones that may be copied (_REPACKED)."""

    bytes: int
    repackable: int


class _TooShort(Exception):
    """The header goes on behind what was read, up to `needed` at least."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class _Cursor:
    """Reads from `data`, the beginning of a file of `size` bytes, and never past it."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 0

    def skip(self, count: int) -> int:
        """Step over `count` bytes; where they began."""
        start = self.at
        self.at = start + count
        if self.at > len(self.data):
            raise self._end(self.at)
        return start

    def _end(self, needed: int) -> Exception:
        """There are no `needed` bytes: not in the file, or not yet read."""
        return BadModel("the file is truncated") if needed > self.size else _TooShort(needed)

    def u32(self) -> int:
        return int(_U32.unpack_from(self.data, self.skip(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack_from(self.data, self.skip(8))[0])

    def text(self) -> str:
        """A text value; of one that is too long, its first part."""
        length = self.u64()
        start = self.skip(length)
        return self.data[start : start + min(length, TEXT_MAX)].decode("utf-8", "replace")

    def scalar(self, kind: int) -> int | float | bool:
        form = struct.Struct("<" + _SCALARS[kind])
        value: int | float | bool = form.unpack_from(self.data, self.skip(form.size))[0]
        return value

    def skip_texts(self, count: int) -> None:
        """Step over `count` texts: the vocabulary, so this loop is most of the time a header takes."""
        if count > STRINGS_MAX:
            raise BadModel("an array of the header is too long to be true")
        data, at, size, unpack = self.data, self.at, len(self.data), _U64.unpack_from
        for _ in range(count):
            if at + 8 > size:
                raise self._end(at + 8)
            at += 8 + unpack(data, at)[0]
        self.skip(at - self.at)


_Value = int | float | bool | str | list[int]


def _parse(cursor: _Cursor) -> Header:
    if cursor.data[cursor.skip(4) : 4] != MAGIC:
        raise BadModel("not a GGUF file")
    version = cursor.u32()
    if version not in (2, 3):
        raise BadModel(f"a GGUF file of version {version}; versions 2 and 3 can be read")
    tensors, keys = cursor.u64(), cursor.u64()
    if keys > KEYS_MAX or tensors > TENSORS_MAX:
        raise BadModel("the header's counts are too large to be true")
    values = dict(_pair(cursor) for _ in range(keys))
    return _header(values, tensors, _tensors(cursor, tensors, values))


def _pair(cursor: _Cursor) -> tuple[str, _Value]:
    key = cursor.text()
    kind = cursor.u32()
    if kind == _STRING:
        return key, cursor.text()
    if kind == _ARRAY:
        return key, _array(cursor)
    if kind not in _SCALARS:
        raise BadModel(f"a value of unknown type {kind} in the header")
    return key, cursor.scalar(kind)


def _array(cursor: _Cursor) -> list[int]:
    """The largest number of a short array, which may have one a layer; of any other array its length."""
    kind, count = cursor.u32(), cursor.u64()
    if kind == _STRING:
        cursor.skip_texts(count)
        return [count]
    if kind not in _SCALARS:
        raise BadModel(f"an array of unknown type {kind} in the header")
    size = struct.calcsize("<" + _SCALARS[kind])
    if count <= 1024 and _SCALARS[kind] not in "fd":
        start = cursor.skip(count * size)
        return [max(struct.unpack_from(f"<{count}{_SCALARS[kind]}", cursor.data, start), default=0)]
    cursor.skip(count * size)
    return [count]


def _tensors(cursor: _Cursor, count: int, values: dict[str, _Value]) -> _Tensors:
    """The bytes of all tensors. Raises BadModel when one ends behind the file's end."""
    total = last = repackable = 0
    known = True
    if 24 * count > cursor.size:
        raise BadModel("the file is truncated")
    for _ in range(count):
        length = cursor.u64()
        name = cursor.skip(length)
        kept = cursor.data[name : name + min(length, 64)] in _NEVER_REPACKED
        elements = _elements(cursor)
        kind = cursor.u32()
        block, block_bytes = _BLOCKS.get(kind, (1, 0))
        known = known and block_bytes > 0
        size = elements // block * block_bytes
        total += size
        repackable += size if kind in _REPACKED and not kept else 0
        last = max(last, cursor.u64() + size)
    alignment = _number(values, "general.alignment") or 32
    if not 1 <= alignment <= 1 << 20:
        raise BadModel("the header's alignment is not usable")
    start = -(-cursor.at // alignment) * alignment
    if count and start + last > cursor.size:
        raise BadModel(f"the file is truncated: {cursor.size:,} of {start + last:,} bytes")
    # A quantisation newer than this table: the tensors are what is left of the file.
    return _Tensors(total if known else cursor.size - start, repackable)


def _elements(cursor: _Cursor) -> int:
    dims = cursor.u32()
    if dims > DIMS_MAX:
        raise BadModel("a tensor with too many dimensions")
    elements = 1
    for _ in range(dims):
        elements *= cursor.u64()
    return elements


def _header(values: dict[str, _Value], count: int, tensors: _Tensors) -> Header:
    architecture = _text(values, "general.architecture")
    if not architecture or not count:
        raise BadModel("the header names no architecture, or holds no tensors")
    if _number(values, "split.count") > 1:
        raise BadModel("one part of a split model; join the parts first (llama-gguf-split --merge)")
    heads = _number(values, f"{architecture}.attention.head_count")
    head_length = _number(values, f"{architecture}.embedding_length") // heads if heads else 0
    return Header(
        architecture=architecture,
        name=_text(values, "general.name"),
        license=_text(values, "general.license"),
        context=_number(values, f"{architecture}.context_length"),
        layers=_number(values, f"{architecture}.block_count"),
        heads=heads,
        kv_heads=_number(values, f"{architecture}.attention.head_count_kv") or heads,
        key_length=_number(values, f"{architecture}.attention.key_length") or head_length,
        value_length=_number(values, f"{architecture}.attention.value_length") or head_length,
        vocabulary=_number(values, "tokenizer.ggml.tokens"),
        tensors=count,
        tensor_bytes=tensors.bytes,
        chat_template=bool(_text(values, "tokenizer.chat_template")),
        embedding=_number(values, f"{architecture}.embedding_length"),
        feed_forward=_number(values, f"{architecture}.feed_forward_length"),
        each_layer=layers(architecture, values),
        repackable=tensors.repackable,
    )


def _text(values: dict[str, _Value], key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _number(values: dict[str, _Value], key: str) -> int:
    """A count of the header, 0 where there is none; of an array what _array says."""
    value = values.get(key)
    if isinstance(value, list):
        value = value[0]
    return value if isinstance(value, int) and value > 0 else 0
