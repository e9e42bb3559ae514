"""Put a finding's replacement into a file, where the lines it is about are still the same. Pure."""

from __future__ import annotations

import difflib

from maw.errors import FatalError
from maw.finding import Finding
from maw.secrets import MARK


class CannotApply(FatalError):
    """The replacement does not fit; nothing was changed."""


def applied(finding: Finding, reviewed: bytes, now: bytes) -> bytes:
    """The file `now` with the finding's replacement in the place of the lines that it had when it was `reviewed`.

    They may have moved, as long as they are there once. Their line ends stay as they are, and so does the last one's
    lack of one. Raises CannotApply.
    """
    if finding.replacement is None:
        raise CannotApply(f"{finding.id} comes without a replacement", hint="its suggestion is for you to make")
    if MARK in finding.replacement:
        raise CannotApply(f"the replacement of {finding.id} has a redacted value in it", hint="make the change by hand")
    old = [_bare(line) for line in _lines(reviewed)[finding.line - 1 : finding.end_line]]
    if len(old) != finding.end_line - finding.line + 1:
        raise CannotApply(f"the lines of {finding.id} are not in what was reviewed")
    present = _lines(now)
    at = _place(finding, old, [_bare(line) for line in present])
    new = _with_ends(finding.replacement, present[at : at + len(old)])
    if new == b"".join(present[at : at + len(old)]):
        raise CannotApply(f"{finding.id}: the lines are what they should be")
    return b"".join(present[:at]) + new + b"".join(present[at + len(old) :])


def patch(path: str, before: bytes, after: bytes) -> str:
    """A unified diff for people."""
    old, new = ([line.decode("utf-8", "replace") for line in _lines(text)] for text in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _place(finding: Finding, old: list[bytes], present: list[bytes]) -> int:
    """The index of the first line to replace."""
    start = finding.line - 1
    if present[start : start + len(old)] == old:
        return start
    places = [at for at in range(len(present) - len(old) + 1) if present[at : at + len(old)] == old]
    if len(places) == 1:
        return places[0]
    what = "are there several times now" if places else "have changed"
    raise CannotApply(f"the lines of {finding.id} {what}, so nothing was done", hint="`maw review` looks at them anew")


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
