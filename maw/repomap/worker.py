"""The parsers' own process: files on standard input, their tags on standard output; nothing of them is run.

A parser is C code that reads what strangers wrote; some files were seen to crash one. Here it takes this process along
and nothing else, and has neither the memory nor the time to do harm.

A request is a line, `LANGUAGE BYTES`, and that many bytes; the answer is a line of JSON (tags.py). A third word asks
for something else: `syntax` where the text is no valid source (`[LINE, MESSAGE]`, or null), `code` what stands for the
text without its comments (a text).
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys

from maw.repomap.extract import code, extract, problem
from maw.repomap.tags import Tags, encode

MEMORY = 1 << 30  # bytes of address space; a file of the largest size takes a tenth


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too; our parent closes our input
    with contextlib.suppress(ValueError, OSError):  # macOS knows the limit and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while line := sys.stdin.buffer.readline():
        language, size, *about = line.split()
        data = sys.stdin.buffer.read(int(size))
        sys.stdout.write(_ANSWERS[b"".join(about)](language.decode("ascii"), data) + "\n")
        sys.stdout.flush()
    return 0


def _tags(language: str, data: bytes) -> str:
    try:
        return encode(extract(language, data))
    except MemoryError:
        return encode(Tags([], {}, trouble="its parser ran out of memory"))


def _problem(language: str, data: bytes) -> str:
    try:
        return json.dumps(problem(language, data))
    except MemoryError:
        return json.dumps(None)


def _code(language: str, data: bytes) -> str:
    try:
        return json.dumps(code(language, data))
    except MemoryError:
        return json.dumps(None)


_ANSWERS = {b"": _tags, b"syntax": _problem, b"code": _code}


if __name__ == "__main__":
    sys.exit(main())
