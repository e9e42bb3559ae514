"""The file of an evaluated prefix: what llama.cpp's memory holds after it, whose it is, and whether it is whole.

A worker writes and reads it; which files there are is the runner's business (prefixes.py). Layout, little endian:
magic, the key (32 bytes), tokens (u32), length of the state (u64), the state, SHA-256 of all before it.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from maw.files import replacing

MAGIC = b"MAWKV\0\0\1"
KEY_BYTES = 32
_HEAD = struct.Struct(f"<8s{KEY_BYTES}sIQ")
_DIGEST_BYTES = hashlib.sha256().digest_size
_AT_A_TIME = 4 << 20  # bytes that are read and hashed before the next look


class BadSnapshot(Exception):
    """The file is damaged, or is none of this prefix; the message says why, without the path."""


class Snapshot(NamedTuple):
    tokens: int
    state: memoryview


def key(tokens: Sequence[int], *identity: str) -> bytes:
    """What a state depends on: the tokens, and by name the model's file, adapter, context and KV type."""
    digest = hashlib.sha256()
    for part in identity:
        raw = part.encode("utf-8")
        digest.update(struct.pack("<Q", len(raw)) + raw)
    digest.update(struct.pack(f"<{len(tokens)}i", *tokens))
    return digest.digest()


def write(path: str, identity: bytes, tokens: int, state: bytes | bytearray | memoryview) -> None:
    """Write a snapshot, whole or not at all. Raises OSError; nothing is left then.

    It does not wait for the disk: what a power cut leaves of it is told by its checksum, and can be evaluated again.
    """
    view = memoryview(state).cast("B")
    head = _HEAD.pack(MAGIC, identity, tokens, len(view))
    # The checksum is made meanwhile: one after the other they would take twice as long.
    with ThreadPoolExecutor(1) as beside, replacing(path) as file:
        digest = beside.submit(_digest, head, view)
        file.write(head)
        file.write(view)
        file.write(digest.result())


def _digest(head: bytes, state: memoryview) -> bytes:
    digest = hashlib.sha256(head)
    digest.update(state)
    return digest.digest()


def read(path: str, identity: bytes) -> Snapshot:
    """The snapshot at `path`. Raises BadSnapshot, and OSError where there is none or it cannot be read.

    The lengths are compared with the file's before they are believed."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise BadSnapshot("it is cut off")
        magic, whose, tokens, length = _HEAD.unpack(head)
        if magic != MAGIC:
            raise BadSnapshot("it is no snapshot of this version")
        if length != size - _HEAD.size - _DIGEST_BYTES:
            raise BadSnapshot(f"it has {size:,} bytes and tells of a state of {length:,}")
        if whose != identity:
            raise BadSnapshot("it belongs to another prefix, model or setting")
        data = memoryview(bytearray(length))
        digest, at = hashlib.sha256(head), 0
        while at < length and (count := file.readinto(data[at : at + _AT_A_TIME])):
            digest.update(data[at : at + count])
            at += count
        if at < length or file.read(_DIGEST_BYTES) != digest.digest():
            raise BadSnapshot("its checksum is not its content's")
    return Snapshot(tokens, data)
