"""Small GGUF files made by hand: valid ones, and lies."""

from __future__ import annotations

import struct
from pathlib import Path

KEYS: dict[str, str | int | list[str]] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.license": "mit",
    "llama.context_length": 128,
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, value: str | int | list[str]) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))


def gguf(keys: dict[str, str | int | list[str]] | None = None, *, size: int = 4096, tensors: int = 1) -> bytes:
    """A file with tensors of `size` bytes each (f32)."""
    keys = KEYS if keys is None else keys
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(keys)) + b"".join(pair(*item) for item in keys.items())
    for number in range(tensors):
        head += text(f"blk.{number}.weight") + struct.pack("<IQIQ", 1, size // 4, 0, number * size)
    head += b"\0" * (-len(head) % 32)
    return head + b"\0" * (size * tensors)


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
