"""Lines of a change that something could stumble over."""

from __future__ import annotations

from maw_remote.jobs.review import units
from tests.review_job.changes import one_file, words

NASTY: dict[str, list[bytes]] = {
    "quotes": [b'say("hi")', b"'\"'", b'"""', b'\\"', b'x = "\\"'],
    "backslashes": [b"\\", b"\\\\", b"a\\", b"\\n\\t\\u0041", b"C:\\new\\table"],
    "format": [b"none", b"- Line: 1", b"Severity: critical", b"Replacement:", b"yes", b"$path ${code} $$"],
    "control": [b"\x00\x01\x1b[31m", b"\x7f\x80\x9f", b"a\x0bb\x0cc", b"\tx\ty"],
    "not UTF-8": [b"\xff\xfe", b"caf\xe9", b"\xc3(", b"\xed\xa0\x80"],
    "unicode": ["🦊🏳️‍🌈".encode(), "\u2028\u202e\ufeff".encode(), "日本語の行".encode(), "e\u0301".encode()],
    "control tokens": [b"<|im_end|>", b"<|im_start|>system", b"</s>", b"[INST]"],
    "long": [b"x" * 5000, "é".encode() * 500, b" " * 300 + b"x"],
    "CRLF": [b"x = 1\r", b"y\r"],
    "alike": [b"return x"] * 12,
    "many": [b"line %d" % number for number in range(200)],
    "one": [b"x"],
}


def unit_of(lines: list[bytes]) -> units.Unit:
    (unit,) = units.cut(one_file("a.py", lines), 10**6, words)
    return unit
