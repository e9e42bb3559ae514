"""A diff hunk by hunk: what there is to choose from, and the diff of what was chosen. Pure.

A hunk's id is `FILE:HUNK`, both counted from 1 in the diff's order, such as `2:1`. A new file is one hunk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from maw import change
from maw.edits.diff import FileEdit


class Choice(NamedTuple):
    """`text`: the hunk as it stands in the diff, its header line included."""

    id: str
    path: str
    text: bytes


class _Section(NamedTuple):
    """One file of a diff, as bytes: the lines above the first hunk, and the hunks."""

    file: change.FileChange
    header: bytes
    hunks: list[bytes]


def choices(diff: bytes) -> list[Choice]:
    """Raises change.BadPatch."""
    return [
        Choice(f"{number}:{at}", section.file.path, text)
        for number, section in enumerate(_sections(diff), 1)
        for at, text in enumerate(section.hunks, 1)
    ]


def select(diff: bytes, accepted: Collection[str]) -> bytes:
    """The diff with the accepted hunks only; their places in the new file are counted anew. Raises change.BadPatch,
    and ValueError for an id that no hunk has."""
    unknown = set(accepted) - {choice.id for choice in choices(diff)}
    if unknown:
        raise ValueError(f"no hunk {sorted(unknown)[0]!r} in the diff")
    parts: list[bytes] = []
    for number, section in enumerate(_sections(diff), 1):
        shift = 0
        chosen = []
        for at, (hunk, text) in enumerate(zip(section.file.hunks, section.hunks, strict=True), 1):
            if f"{number}:{at}" in accepted:
                chosen.append(_moved(hunk, text, shift))
                shift += hunk.new_count - hunk.old_count
        parts += [section.header, *chosen] if chosen else []
    return b"".join(parts)


def chosen(edits: Sequence[FileEdit], diff: bytes, accepted: Collection[str]) -> list[FileEdit]:
    """The edits as far as their diff's hunks were accepted; those of which none was are left out. Raises as select."""
    by_path = {section.file.path: section for section in _sections(select(diff, accepted))}
    named = [(edit, by_path.get(change.display_path(edit.path.encode()))) for edit in edits]
    return [edit._replace(new=patched(edit.old, section)) for edit, section in named if section is not None]


def patched(old: bytes | None, section: _Section) -> bytes:
    """The new content, where every hunk stands exactly where it says. Raises ValueError where one does not."""
    lines = _lines(old or b"")
    made: list[bytes] = []
    at = 0
    for hunk, text in zip(section.file.hunks, section.hunks, strict=True):
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        made += lines[at:start]
        before, after = _sides(text)
        if lines[start : start + len(before)] != before:
            raise ValueError(f"the diff does not fit {section.file.path} at line {hunk.old_start}")
        made += after
        at = start + len(before)
    return b"".join([*made, *lines[at:]])


def _sides(hunk: bytes) -> tuple[list[bytes], list[bytes]]:
    """What a hunk takes away or leaves, and what it leaves or puts there."""
    before: list[bytes] = []
    after: list[bytes] = []
    last: tuple[list[bytes], ...] = ()
    for line in _lines(hunk)[1:]:
        kind, text = line[:1], line[1:]
        if kind == b"\\":  # "\ No newline at end of file"
            for side in last:
                side[-1] = side[-1].removesuffix(b"\n")
            continue
        last = {b"-": (before,), b"+": (after,)}.get(kind, (before, after))
        for side in last:
            side.append(text)
    return before, after


def _moved(hunk: change.Hunk, text: bytes, shift: int) -> bytes:
    """A hunk whose place in the new file follows from its place in the old one and what stands above it."""
    start = hunk.old_start + shift + (0 if hunk.old_count else 1) - (0 if hunk.new_count else 1)
    _, _, rest = text.partition(b"\n")
    section = b" " + hunk.section if hunk.section else b""
    counts = (hunk.old_start, hunk.old_count, start, hunk.new_count)
    return b"@@ -%d,%d +%d,%d @@%s\n" % (*counts, section) + rest


def _sections(diff: bytes) -> Iterator[_Section]:
    for file, place in change.parse_each(diff):
        lines = _lines(diff[place.start : place.end])
        # Each line of a hunk's body has a mark before it, so what begins with @@ is a header.
        starts = [at for at, line in enumerate(lines) if line.startswith(b"@@ -")]
        ends = [*starts[1:], len(lines)]
        texts = [b"".join(lines[start:end]) for start, end in zip(starts, ends, strict=True)]
        yield _Section(file, b"".join(lines[: starts[0] if starts else None]), texts)


def _lines(content: bytes) -> list[bytes]:
    """Cut after each line feed, and nowhere else."""
    parts = content.split(b"\n")
    last = parts.pop()
    return [part + b"\n" for part in parts] + ([last] if last else [])
