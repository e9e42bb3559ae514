"""Put a block's new lines where its search was found. Pure.

Only what the model changed between search and replacement is changed in the file: a line that is the same in both
stays the file's own, with its end, its blanks, and what the model remembered wrongly. New lines are indented as the
file is, where the search was indented otherwise, and end as the lines around them do.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

from maw.edits.lines import Line, Text
from maw.edits.match import Match

_COMPARED_MAX = 1_000_000  # pairs of lines; beyond, all between the common start and end is replaced


def splice(text: Text, edits: Sequence[tuple[Match, Sequence[str], Sequence[str]]]) -> Text:
    """The text with matches replaced, each given with the block's search and replacement. They must not overlap."""
    lines: list[Line] = []
    at = 0
    for match, search, replace in sorted(edits, key=lambda edit: edit[0].start):
        lines += text.lines[at : match.start]
        lines += _replaced(text, match, search, replace)
        at = match.end
    lines += text.lines[at:]
    return Text(tuple(_ended(lines, text)), text.bom)


def _replaced(text: Text, match: Match, search: Sequence[str], replace: Sequence[str]) -> list[Line]:
    indent = _Indent(search, [None if at is None else text.lines[at].text for at in match.lines])
    end = next((text.lines[at].end for at in range(match.start, match.end) if text.lines[at].end), text.end)
    own = _own(match)
    made: list[Line] = []
    for tag, low, high, new_low, new_high in _opcodes(search, replace):
        for number in range(low, high):
            kept = own[number] if tag == "equal" else own[number][1:]
            made += [text.lines[at] for at in kept if at is not None]
        made += [Line(indent(line), end) for line in (replace[new_low:new_high] if tag != "equal" else ())]
    return made


def _own(match: Match) -> list[list[int | None]]:
    """For each line of the search the file's line, and after it those that the file has and the search lacks."""
    own: list[list[int | None]] = [[at] for at in match.lines]
    taken = {at for at in match.lines if at is not None}
    owner = 0
    numbers = {at: number for number, at in enumerate(match.lines) if at is not None}
    for at in range(match.start, match.end):
        owner = numbers.get(at, owner)
        if at not in taken:
            own[owner].append(at)
    return own


def _opcodes(search: Sequence[str], replace: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """difflib's opcodes, in bounded time."""
    head = 0
    while head < min(len(search), len(replace)) and search[head] == replace[head]:
        head += 1
    tail = 0
    while tail < min(len(search), len(replace)) - head and search[-1 - tail] == replace[-1 - tail]:
        tail += 1
    old, new = search[head : len(search) - tail], replace[head : len(replace) - tail]
    if len(old) * len(new) <= _COMPARED_MAX:
        middle = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    else:
        middle = [("replace", 0, len(old), 0, len(new))]
    codes: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)]
    codes += [(tag, a + head, b + head, c + head, d + head) for tag, a, b, c, d in middle]
    return [*codes, ("equal", len(search) - tail, len(search), len(replace) - tail, len(replace))]


def _ended(lines: list[Line], text: Text) -> list[Line]:
    """Only the last line may lack an end, and it does exactly when the file's last one did."""
    if not lines:
        return lines
    end = text.end
    made = [line if line.end else Line(line.text, end) for line in lines[:-1]]
    last = lines[-1]
    if text.lines and not text.lines[-1].end:
        return [*made, Line(last.text, "")] if last.text else made
    return [*made, last if last.end else Line(last.text, end)]


class _Indent:
    """From the search's indentation to the file's, learned from the lines that were found."""

    def __init__(self, search: Sequence[str], real: Sequence[str | None]) -> None:
        self._known: dict[str, str] = {}
        for line, own in zip(search, real, strict=True):
            if own is not None and line.strip() and own.strip():
                self._known.setdefault(_leading(line), _leading(own))
        self._unit = self._learned_unit()

    def __call__(self, line: str) -> str:
        leading = _leading(line)
        if not line.strip() or all(old == new for old, new in self._known.items()):
            return line
        return self._indentation(leading) + line[len(leading) :]

    def _indentation(self, leading: str) -> str:
        if leading in self._known:
            return self._known[leading]
        base = max((old for old in self._known if leading.startswith(old)), key=len, default=None)
        if base is not None:
            old, new = self._unit
            rest = leading[len(base) :]
            return self._known[base] + (rest.replace(old, new) if old else rest)
        least = min(self._known, key=len)  # the line stands further left than all that were found
        return self._outdented(self._known[least], least, leading)

    def _outdented(self, real: str, least: str, leading: str) -> str:
        old, new = self._unit
        less = len(least) - len(leading)
        return real[: max(0, len(real) - (less // len(old) * len(new) if old else less))]

    def _learned_unit(self) -> tuple[str, str]:
        """One level of the search and what it is in the file: blanks against tabs, two blanks against four."""
        pairs = sorted(self._known.items(), key=lambda pair: len(pair[0]))
        for (old, new), (deeper, real) in itertools.pairwise(pairs):
            if deeper.startswith(old) and real.startswith(new) and len(real) > len(new):
                return deeper[len(old) :], real[len(new) :]
        if pairs and pairs[0][0] and "\t" in pairs[0][1] and "\t" not in pairs[0][0]:
            levels = pairs[0][1].count("\t")
            return pairs[0][0][: max(1, len(pairs[0][0]) // levels)], "\t"
        return "", ""


def _leading(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
