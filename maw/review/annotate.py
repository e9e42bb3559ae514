"""A diff with the findings at their lines, in one column or side by side. Pure; what it gives is printable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from maw.change import FileChange, Hunk
from maw.finding import Finding
from maw.review.render import Line, Part, finding_lines
from maw.text import flat, one_line

Parts = tuple[Part, ...]
Painter = Callable[[str, Sequence[str]], list[Parts]]  # the lines of one side of a hunk, by the file's path
_SIGNS = {"+": "added", "-": "removed", " ": ""}


class Shown(NamedTuple):
    """A line, where in the new file it stands, and the finding that it is of; `begins`: the first line of a finding, or
    of a file."""

    line: Line
    path: str = ""
    number: int = 0
    finding: Finding | None = None
    begins: bool = False


class Side(NamedTuple):
    """A line of the diff on one side of it."""

    kind: str  # ' ', '+' or '-'
    number: int
    parts: Parts


def plain(_path: str, texts: Sequence[str]) -> list[Parts]:
    """No colours."""
    return [(("plain", text),) for text in texts]


def placed(files: Iterable[FileChange], findings: Iterable[Finding]) -> set[Finding]:
    """The findings whose line is among those that the diff shows."""
    shown = {
        (file.path, line.new) for file in files for hunk in file.hunks for line in hunk.lines if line.new is not None
    }
    return {finding for finding in findings if (finding.path, finding.line) in shown}


class Diff:
    """Of a change; `said` has what people said of the findings, by id."""

    def __init__(
        self,
        files: Sequence[FileChange],
        findings: Iterable[Finding],
        said: Mapping[str, str] | None = None,
        paint: Painter = plain,
    ) -> None:
        self._files = files
        self._said = said or {}
        self._paint = paint
        self._findings: dict[tuple[str, int], list[Finding]] = {}
        for finding in findings:
            self._findings.setdefault((finding.path, finding.line), []).append(finding)

    def unified(self) -> list[Shown]:
        return list(self._shown(self._in_one_column))

    def side_by_side(self, width: int) -> list[Shown]:
        """Old and new beside each other, in so many columns."""
        half = max((width - 1) // 2, 8)
        return list(self._shown(lambda path, rows: self._in_two_columns(path, rows, half)))

    def _shown(self, lay_out: Callable[[str, list[Side]], Iterator[Shown]]) -> Iterator[Shown]:
        for file in self._files:
            yield Shown(Line((("path", one_line(_title(file))),)), file.path, begins=True)
            for hunk in file.hunks:
                section = flat(hunk.section.decode("utf-8", "replace"))
                head = f"@@ -{hunk.old_start} +{hunk.new_start} @@ {section}".rstrip()
                yield Shown(Line((("hunk", head),)), file.path, hunk.new_start)
                yield from lay_out(file.path, self._sides(file, hunk))

    def _sides(self, file: FileChange, hunk: Hunk) -> list[Side]:
        """The hunk's lines in their order, in colours. Each side is painted as a text of its own."""
        texts = [flat(line.text.decode("utf-8", "replace").removesuffix("\r")) for line in hunk.lines]
        painted: dict[int, Parts] = {}
        for path, kinds in ((file.old_path, "-"), (file.path, " +")):
            mine = [at for at, line in enumerate(hunk.lines) if line.kind in kinds]
            painted.update(zip(mine, self._paint(path, [texts[at] for at in mine]), strict=True))
        return [
            Side(line.kind, line.new if line.new is not None else line.old or 0, painted[at])
            for at, line in enumerate(hunk.lines)
        ]

    def _in_one_column(self, path: str, rows: list[Side]) -> Iterator[Shown]:
        for row in rows:
            number = "" if row.kind == "-" else str(row.number)
            line = Line((("dim", f"{number:>5} "), *_signed(row)))
            yield Shown(line, path, row.number if row.kind != "-" else 0)
            if row.kind != "-":
                yield from self._told(path, row.number)

    def _in_two_columns(self, path: str, rows: list[Side], half: int) -> Iterator[Shown]:
        for old, new in _pairs(rows):
            line = Line((*_cell(old, half), ("dim", "│"), *_cell(new, half)))
            yield Shown(line, path, new.number if new is not None else 0)
            if new is not None:
                yield from self._told(path, new.number)

    def _told(self, path: str, number: int) -> Iterator[Shown]:
        for finding in self._findings.get((path, number), ()):
            lines = [*finding_lines(finding), *_remark(self._said.get(finding.id, ""))]
            for at, line in enumerate(lines):
                marked = Line((("mark", "    ▌ "), *line.parts))
                yield Shown(marked, path, number, finding, begins=at == 0)


def _title(file: FileChange) -> str:
    named = f"{file.old_path} → {file.path}" if file.status in ("renamed", "copied") else file.path
    what = "" if file.status == "modified" else f" ({file.status})"
    return named + what + (" (binary, or too large)" if file.binary else "")


def _remark(said: str) -> list[Line]:
    return [Line((("dim", f"    {one_line(said)}"),))] if said else []


def _signed(row: Side) -> Parts:
    """The sign and the text, on the ground of what happened to the line."""
    ground = _SIGNS[row.kind]
    parts = ((f"{ground} {name}".strip(), text) for name, text in row.parts)
    return ((ground or "plain", f"{row.kind} "), *parts)


def _pairs(rows: list[Side]) -> Iterator[tuple[Side | None, Side | None]]:
    """What was removed beside what was added in its place."""
    removed: list[Side] = []
    added: list[Side] = []
    for row in rows:
        if row.kind == " " or (row.kind == "-" and added):
            yield from zip_longest(removed, added)
            removed, added = [], []
        if row.kind == " ":
            yield row, row
        else:
            (removed if row.kind == "-" else added).append(row)
    yield from zip_longest(removed, added)


def _cell(row: Side | None, width: int) -> Parts:
    """One side of a row in exactly so many columns."""
    from rich.cells import cell_len, set_cell_size  # only here: the rest needs the standard library

    if row is None:
        return (("dim", " " * width),)
    parts: list[Part] = []
    left = width
    for name, text in (("dim", f"{row.number:>5} "), *_signed(row)):
        cut = text if cell_len(text) <= left else set_cell_size(text, left)
        parts.append((name, cut))
        left -= cell_len(cut)
    return (*parts, (_SIGNS[row.kind] or "plain", " " * left))
