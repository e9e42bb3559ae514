"""The versions and opening lines that two maws of different age must agree on. Standard library only.

The compatibility rule: a side announces the range of protocol versions it speaks; two sides work together when
the ranges meet. Every release speaks its own version and the one before. Within a version things are only added:
unknown keys are ignored, nothing changes its meaning.
"""

from __future__ import annotations

import json

from maw.light import Any

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1

# What `maw-runner connect` writes first, on a line of its own. The NUL cannot stand in a login banner's text, so that
# what rc files print before it is told apart (mutagen's and Mercurial's lesson); the hello follows as one JSON line.
MAGIC = b"\x00MAW1\n"
NOISE_MAX = 64 * 1024  # bytes of login noise that are skipped in search of the magic line
HELLO_MAX = 64 * 1024  # bytes of one hello or preface line

Json = dict[str, Any]


def hello(version: str, node_id: str, boot_id: str, features: list[str], profiles: dict[str, str]) -> Json:
    """The runner's introduction. `profiles` has one hash per task kind: what determines its answers."""
    return {
        "v": 1,
        "protocol": [PROTOCOL_MIN, PROTOCOL_MAX],
        "version": version,
        "features": features,
        "node_id": node_id,
        "boot_id": boot_id,
        "profiles": profiles,
    }


def meets(other: object) -> bool:
    """True when the protocol range another side announced overlaps ours. Anything malformed does not."""
    if not isinstance(other, list) or len(other) != 2:
        return False
    low, high = other
    if not isinstance(low, int) or not isinstance(high, int):
        return False
    return low <= PROTOCOL_MAX and high >= PROTOCOL_MIN


def line(message: Json) -> bytes:
    """One compact JSON object and a newline, pure ASCII."""
    return json.dumps(message, separators=(",", ":"), sort_keys=True).encode("ascii") + b"\n"


def parse_line(data: bytes) -> Json:
    """The object on one line. Raises ValueError when it is anything else."""
    try:
        message = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message


def preface(hello_message: Json) -> bytes:
    """What a link writes on a local connection once the node answered."""
    return line({"v": 1, "hello": hello_message})


def preface_error(code: str, message: str, hint: str | None = None) -> bytes:
    """What a link writes, before it closes, when the node cannot be used (codes: errors.NodeError)."""
    return line({"v": 1, "error": {"code": code, "message": message, "hint": hint}})
