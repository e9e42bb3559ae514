"""A model's answer: which files it edits, and how. Pure.

The format is plain text, since code inside JSON comes out worse:

    FILE src/known.py
    <<<<<<< SEARCH
    lines as they are, enough of them to be found once
    =======
    lines as they shall be
    >>>>>>> REPLACE
    FILE src/new.py
    <<<<<<< WHOLE
    all lines of a file that is not there yet
    >>>>>>> WHOLE
    DONE

A FILE line holds for all blocks below it, up to the next one. Text outside of blocks is talk, and skipped; DONE ends
the answer. There is no way to say that a file shall go. A file that is there gets SEARCH blocks only, and a new one
WHOLE only (or one that is empty), so after each path the next line is known. Each place has texts of which none begins
another, so a program over a model's tokens, or a grammar, writes the same shape: "FILE ", one of the paths that are
given with its line end, the line that opens, free text up to the marker that ends it, then "FILE " again or "DONE".

The markers' run (`<`, `=`, `>`) has 7 characters, and more where a file that the model is given has such a line itself:
`mark_for` tells. So a marker inside a block is never the file's own line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple

from maw.edits import refusal
from maw.edits.refusal import refuse

ANSWER_MAX = 1024 * 1024  # bytes
BLOCKS_MAX = 200
MARK = 7
_MARKER = re.compile(r"^(?:(<{7,}) (?:SEARCH|WHOLE)|(={7,})|(>{7,}) (?:REPLACE|WHOLE))\s*$", re.MULTILINE)
_REPEATED = 8  # times, of the same text at the end of an answer that was cut: a model that goes round in circles
_PERIOD_MAX = 20  # lines
_SENTENCE_MAX = 200  # characters that come again and again on one line
_SENTENCES = 1000  # characters that they take at least: a ruler, or a row of zeros, is shorter
_TAIL = 16 * 1024  # characters of the end that are looked at


class Replace(NamedTuple):
    """Instead of these lines, those. Lines have no ends."""

    path: str
    search: tuple[str, ...]
    replace: tuple[str, ...]


class Whole(NamedTuple):
    """A new file."""

    path: str
    lines: tuple[str, ...]


Block = Replace | Whole


class Marks(NamedTuple):
    """The lines that make up blocks."""

    search: str
    middle: str
    replace: str
    whole: str
    whole_end: str


def marks(length: int = MARK) -> Marks:
    left, right = "<" * length, ">" * length
    return Marks(f"{left} SEARCH", "=" * length, f"{right} REPLACE", f"{left} WHOLE", f"{right} WHOLE")


def mark_for(texts: Iterable[str]) -> int:
    """The shortest run with which no line of these texts is a marker."""
    taken = {max(map(len, found)) for text in texts for found in _MARKER.findall(text)}
    return next(length for length in itertools.count(MARK) if length not in taken)


def parse(answer: bytes, mark: int = MARK) -> tuple[Block, ...]:
    """The blocks of an answer, in its order. Raises Refused."""
    if len(answer) > ANSWER_MAX:
        raise refuse(refusal.TOO_LARGE, f"the answer has {len(answer):,} bytes, more than {ANSWER_MAX:,}")
    try:
        text = answer.decode("utf-8")
    except UnicodeDecodeError:
        raise refuse(refusal.NOT_TEXT, "the answer is not UTF-8 text") from None
    if "\0" in text:
        raise refuse(refusal.NOT_TEXT, "the answer holds NUL bytes: it is no text")
    if not text.strip():
        raise refuse(refusal.EMPTY, "the answer is empty")
    blocks = _Parser(text, marks(mark)).blocks()
    if not blocks:
        raise refuse(refusal.PROSE, "the answer holds no edit, only talk")
    if len(set(blocks)) < len(blocks):
        raise refuse(refusal.REPEATS, "the answer repeats itself: the same block comes twice")
    return tuple(blocks)


class _Parser:
    def __init__(self, text: str, marks: Marks) -> None:
        self._lines = [line.removesuffix("\r") for line in text.split("\n")]
        self._at = 0
        self._marks = marks

    def blocks(self) -> list[Block]:
        found: list[Block] = []
        path: str | None = None
        marks = self._marks
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if line == "DONE":
                break
            if line.startswith("FILE "):
                path = line[len("FILE ") :].strip()
            elif line in (marks.search, marks.whole):
                found.append(self._block(line, path))
            elif line in marks:
                raise self._half(f"`{line}` closes nothing that was open")
            if len(found) > BLOCKS_MAX:
                raise refuse(refusal.REPEATS, f"the answer has more than {BLOCKS_MAX} blocks")
        return found

    def _block(self, opener: str, path: str | None) -> Block:
        if not path:
            raise self._half("a block without a FILE line above it")
        if opener == self._marks.whole:
            return Whole(path, self._until(self._marks.whole_end, path))
        search = self._until(self._marks.middle, path)
        return Replace(path, search, self._until(self._marks.replace, path))

    def _until(self, end: str, path: str) -> tuple[str, ...]:
        start = self._at
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if line == end:
                return tuple(self._lines[start : self._at - 1])
            if line in self._marks:
                raise self._half(f"`{line}` where `{end}` was due", path)
        if goes_in_circles("\n".join(self._lines[start:])):
            raise refuse(refusal.REPEATS, "the answer goes round in circles, and was cut", path)
        raise self._half(f"the answer ends before `{end}`", path)

    def _half(self, why: str, path: str | None = None) -> refusal.Refused:
        return refuse(refusal.HALF, f"half a block: {why} (line {self._at} of the answer)", path)


def goes_in_circles(text: str, times: int = _REPEATED) -> bool:
    """True when some few lines, or a sentence without a line's end, come again and again up to the end, where the last
    one may be cut."""
    *lines, last = text[-_TAIL:].split("\n")
    return _repeat([line for line in lines if line.strip()], times) or _repeats_itself(last, times)


def _repeat(lines: list[str], times: int) -> bool:
    for period in range(1, _PERIOD_MAX + 1):
        tail = lines[-period * times :]
        if len(tail) == period * times and tail == tail[:period] * times:
            return True
    return False


def _repeats_itself(line: str, times: int) -> bool:
    for period in range(1, _SENTENCE_MAX + 1):
        size = max(period * times, _SENTENCES)
        tail = line[-size:]
        if len(tail) == size and tail[period:] == tail[:-period]:
            return True
    return False
