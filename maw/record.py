"""What a note holds: JSON Lines, one record a line. Standard library only (hook path).

A line is compact JSON with sorted keys, pure ASCII, so that `git notes merge -s cat_sort_uniq` merges two notes
as sets of lines. Lines of an unknown version are kept byte for byte. A line {"kind":"retract","retracts":ID}
takes back the record with that id; "supersedes":ID in a record says that it takes that one's place. The schema is in
docs/records.md.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable

from maw.light import Any, NamedTuple
from maw.text import rfc3339

VERSION = 1
KINDS = ("review", "message", "generate", "feedback")
NOTE_MAX = 32 * 1024 * 1024  # bytes of one note, and the lines in it: a stranger's that has more is not read
LINES_MAX = 100_000
LINE_MAX = 8 * 1024 * 1024  # bytes; a longer line of a stranger's note is kept, not read
OWN_MAX = 1024 * 1024  # bytes of a line that we write

_ROOM = 100  # bytes of the item that tells what was left out

Json = dict[str, Any]


class Record(NamedTuple):
    """One line. `data` is None for a line that this version of maw cannot read; `raw` has no newline."""

    raw: bytes
    data: Json | None

    @property
    def id(self) -> str:
        return str(self.data["id"]) if self.data is not None else ""


def new_id() -> str:
    """24 hex digits that sort by time: 48 bits of milliseconds since 1970, then 48 random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(6).hex()}"


def now() -> str:
    """The time in UTC, RFC 3339 with milliseconds."""
    return rfc3339(time.time())


def encode(data: Json) -> Record:
    """The record of `data`, which must have v, id, ts and kind. Raises ValueError when it has not."""
    record = parse_line(_dumped(data))
    if record.data is None:
        raise ValueError(f"a record needs v, id, ts and kind, and {LINE_MAX} bytes at most")
    return record


def fitted(data: Json, limit: int = OWN_MAX) -> Json:
    """`data` as a line of at most `limit` bytes: where it is longer, `skipped`, `rejected` and then `findings` lose
    their last items, and a last item of `skipped` tells how many. Raises ValueError for what is too long even so."""
    data = dict(data)
    over = len(_dumped(data)) - limit
    for key in ("skipped", "rejected", "findings"):
        items = data.get(key)
        if over > 0 and isinstance(items, list):
            data[key] = kept = list(items)
            over += _ROOM
            while kept and over > 0:
                over -= len(_dumped(kept.pop())) + 1
            data["skipped"] = [*data.get("skipped", ()), *left_out(len(items) - len(kept), key)]
    if over > 0:
        raise ValueError(f"a record of more than {limit} bytes")
    return data


def left_out(count: int, what: str = "skipped") -> list[Json]:
    """An item of `skipped` that says how many items of a list are not in it; none when all are."""
    return [{"path": "…", "reason": f"and {count} more {what}, which are not listed"}] if count else []


def _dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


def parse_line(raw: bytes) -> Record:
    """Read one line; whatever it is, it is kept."""
    if len(raw) > LINE_MAX:
        return Record(raw, None)
    try:
        data = json.loads(raw, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return Record(raw, None)
    known = (
        isinstance(data, dict)
        and data.get("v") == VERSION
        and type(data["v"]) is int  # true is 1 for Python
        and all(isinstance(data.get(key), str) for key in ("id", "ts", "kind"))
    )
    return Record(raw, data if known else None)


def _no_json(word: str) -> None:
    """NaN and Infinity, which Python reads and would print again."""
    raise ValueError(f"{word} is no JSON")


def parse_note(note: bytes) -> list[Record]:
    """All lines of a note in their order, blank ones left out (git notes append makes those)."""
    return [parse_line(raw) for raw in note.split(b"\n") if raw.strip()]


def merge(*notes: Iterable[Record]) -> list[Record]:
    """The union of several notes' lines, each once, sorted as bytes: what cat_sort_uniq does."""
    lines = {record.raw: record for note in notes for record in note}
    return [lines[raw] for raw in sorted(lines)]


def format_note(records: Iterable[Record]) -> bytes:
    """The note's content: a newline after each line."""
    return b"".join(record.raw + b"\n" for record in records)


def standing(records: Iterable[Record]) -> list[Json]:
    """The readable records that were neither retracted nor superseded by another, oldest first."""
    readable = [record.data for record in records if record.data is not None]
    gone = {str(data.get("retracts")) for data in readable if data["kind"] == "retract"}
    gone |= {str(data["supersedes"]) for data in readable if data.get("supersedes")}
    kept = [data for data in readable if data["kind"] != "retract" and data["id"] not in gone]
    return sorted(kept, key=lambda data: (data["ts"], data["id"]))
