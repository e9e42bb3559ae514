"""What a diff leaves behind in a file, by which it is found again in a commit: checksums of the lines it adds and
removes. Pure; standard library only.

White space is folded. Lines that say little (a bracket, `else:`, a blank one) tell nothing and do not count, unless a
file has no others: without any, it would be found in every commit. Checksums are enough to compare, and hold no code.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from collections.abc import Iterable

from maw.change import FileChange, parse

TELLING = 5  # letters and digits that a line needs to say something
LINES_MAX = 20_000  # of a file
_WORD = re.compile(rb"\w|[\x80-\xff]")

Trace = list[str]  # of one file: "+0badf00d" for a line that was added, "-0badf00d" for one that was removed


def of_diff(diff: bytes) -> dict[str, Trace]:
    """The traces by path, of files that have one. Raises change.BadPatch."""
    found = {file.path: of_file(file) for file in parse(diff)}
    return {path: trace for path, trace in found.items() if trace}


def of_file(file: FileChange) -> Trace:
    changed = [
        (line.kind, b" ".join(line.text.split())) for hunk in file.hunks for line in hunk.lines if line.kind != " "
    ]
    told = [(kind, text) for kind, text in changed if text]
    telling = [(kind, text) for kind, text in told if len(_WORD.findall(text)) >= TELLING]
    return [f"{kind}{binascii.crc32(text):08x}" for kind, text in (telling or told or changed)[:LINES_MAX]]


def found(trace: Iterable[str], elsewhere: Iterable[str]) -> Trace:
    """The lines of a trace that another one has, too, each as often as both have it."""
    return list((Counter(trace) & Counter(elsewhere)).elements())


def without(trace: Iterable[str], gone: Iterable[str]) -> Trace:
    return list((Counter(trace) - Counter(gone)).elements())
