"""What runner and worker say to each other: JSON objects, each after its length (4 bytes, big endian).

Runner to worker, the first frame: {"op":"load", …config}. Then {"op":"run"|"warm"|"count"|"embed","id",…},
{"op":"cancel","id"}, {"op":"urge","id","background"} and, for models that compute on the CPU, {"op":"turn","on"}.

Worker to runner: {"op":"beat"} every BEAT seconds, {"op":"ready","context","gpu","rollback"}, and for an id
{"op":"text"|"field","name",…} … {"op":"end",…usage,"prefix"}, or {"op":"warmed","tokens","cached","prefix"}, or
{"op":"counts","counts"}, or {"op":"vectors","vectors"}, or {"op":"error","code","message"}; id 0: the worker itself.
`prefix` tells of the shared messages' snapshot: "loaded", "saved" (it will be), "bad", or "". Of the turn:
{"op":"want","interactive"} for who has work without it, "paused" once it is given back, "idle" without work.
The worker ends when its standard input does, so it never outlives its runner.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

BEAT = 0.5  # seconds between two signs of life
FRAME_MAX = 64 << 20  # bytes; more is no frame of ours
LENGTH = struct.Struct(">I")


class BadFrame(Exception):
    """What came is not a frame; the other side is broken."""


def encode(message: Json) -> bytes:
    """The frame of a message. Raises BadFrame for one that the other side would not take."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > FRAME_MAX:
        raise BadFrame(f"a frame of {len(body):,} bytes; {FRAME_MAX:,} at most")
    return LENGTH.pack(len(body)) + body


def size_of(head: bytes) -> int:
    """The length of the frame that `head` announces. Raises BadFrame."""
    size = int(LENGTH.unpack(head)[0])
    if size > FRAME_MAX:
        raise BadFrame(f"a frame of {size} bytes")
    return size


def decode(body: bytes) -> Json:
    """The object of a frame. Raises BadFrame."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BadFrame("a frame that is not JSON") from exc
    if not isinstance(message, dict):
        raise BadFrame("a frame that is not an object")
    return message


def read(read_bytes: Callable[[int], bytes]) -> Json | None:
    """The next frame, None at the end. `read_bytes(n)` returns n bytes, fewer only at the end. Raises BadFrame."""
    head = read_bytes(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = size_of(head)
    body = read_bytes(size)
    return decode(body) if len(body) == size else None
