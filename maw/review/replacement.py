"""Put a finding's replacement into a file, where the lines it is about are still the same. Pure."""

from __future__ import annotations

import difflib
from codecs import BOM_UTF8
from itertools import takewhile

from maw.errors import FatalError
from maw.finding import Finding
from maw.secrets import MARK

AROUND = 50  # lines above and below that tell places apart
ENOUGH = 2  # of these, that must be as they were


class CannotApply(FatalError):
    """The replacement does not fit; nothing was changed."""


def applied(finding: Finding, reviewed: bytes, now: bytes) -> bytes:
    """The file `now` with the finding's replacement in the place of the lines that it had when it was `reviewed`.

    They may have moved, as long as the lines around tell where they are now. Their line ends stay as they are, and so
    does the last one's lack of one. Raises CannotApply.
    """
    if finding.replacement is None:
        raise CannotApply(f"{finding.id} comes without a replacement", hint="its suggestion is for you to make")
    if MARK in finding.replacement:
        raise CannotApply(f"the replacement of {finding.id} has a redacted value in it", hint="make the change by hand")
    before, present = [_bare(line) for line in _lines(reviewed)], _lines(now)
    length = finding.end_line - finding.line + 1
    if len(before[finding.line - 1 : finding.end_line]) != length:
        raise CannotApply(f"the lines of {finding.id} are not in what was reviewed")
    at = _place(finding, before, [_bare(line) for line in present])
    new = _with_ends(finding.replacement, present[at : at + length])
    if at == 0 and now.startswith(BOM_UTF8) and new and not new.startswith(BOM_UTF8):
        new = BOM_UTF8 + new  # it is the file's, not the first line's
    if new == b"".join(present[at : at + length]):
        raise CannotApply(f"{finding.id}: the lines are what they should be")
    return b"".join(present[:at]) + new + b"".join(present[at + length :])


def patch(path: str, before: bytes, after: bytes) -> str:
    """A unified diff for people."""
    old, new = ([line.decode("utf-8", "replace") for line in _lines(text)] for text in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _place(finding: Finding, reviewed: list[bytes], present: list[bytes]) -> int:
    """The index of the first line to replace."""
    start, end = finding.line - 1, finding.end_line
    if present[:end] == reviewed[:end]:
        return start  # nothing has moved them
    if _is_done(finding, reviewed, present):
        raise CannotApply(f"{finding.id}: the lines are what they should be")
    old = reviewed[start:end]
    places = [at for at in range(len(present) - len(old) + 1) if present[at : at + len(old)] == old]
    likely = [start] if places == [start] else _likeliest(places, present, reviewed, start, end)
    if len(likely) == 1:
        return likely[0]
    elsewhere = "are there several times now" if len(places) > 1 else "are among other lines now"
    what = elsewhere if places else "have changed"
    raise CannotApply(f"the lines of {finding.id} {what}, so nothing was done", hint="`maw review` looks at them anew")


def _is_done(finding: Finding, reviewed: list[bytes], present: list[bytes]) -> bool:
    """Whether the replacement stands in the place of the lines, with all that was above and what was right below."""
    start, end = finding.line - 1, finding.end_line
    new = [_bare(line) for line in _lines((finding.replacement or "").encode("utf-8", "replace"))]
    then = [*reviewed[:start], *new, *reviewed[end : end + ENOUGH]]
    return present[: len(then)] == then


def _likeliest(places: list[int], present: list[bytes], reviewed: list[bytes], start: int, end: int) -> list[int]:
    """The places around which the most is as it was reviewed, none where that is next to nothing: such lines may be
    another function's, at the old line number as well as where they are the only ones that are left."""
    above, below = _around(reviewed, start, end)
    alike = []
    for at in places:
        here = _around(present, at, at + end - start)
        alike.append(_in_common(above, here[0]) + _in_common(below, here[1]))
    most = max(alike, default=0)
    return [at for at, number in zip(places, alike, strict=True) if number == most >= ENOUGH]


def _around(lines: list[bytes], start: int, end: int) -> tuple[list[bytes], list[bytes]]:
    """The lines above and below some, the nearest first."""
    return lines[max(start - AROUND, 0) : start][::-1], lines[end : end + AROUND]


def _in_common(one: list[bytes], other: list[bytes]) -> int:
    """How many lines two texts begin with that are the same, but for blank ones."""
    told = ([line for line in text if line.strip()] for text in (one, other))
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*told, strict=False)))


def _with_ends(replacement: str, old: list[bytes]) -> bytes:
    """The replacement's lines with line ends as the old ones had."""
    try:
        text = replacement.encode("utf-8")
        b"".join(old).decode("utf-8")
    except UnicodeError as exc:
        raise CannotApply("the file or the replacement is not UTF-8", hint="make the change by hand") from exc
    end = b"\r\n" if old[0].endswith(b"\r\n") else b"\n"
    lines = [_bare(line) + end for line in _lines(text)]
    if lines and not old[-1].endswith(b"\n"):
        lines[-1] = _bare(lines[-1])
    return b"".join(lines)


def _lines(text: bytes) -> list[bytes]:
    """Lines with their ends. Only LF ends one, as git has it."""
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
