"""The form of an answer as a grammar: the edit format (maw.edits.answer), with no other paths than those given, and
search blocks that can only be lines of what was shown, at one place of the file (searching.py).

Replaced and new lines are free, but for the markers of the format.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from maw.edits import answer
from maw_remote.engine.program import Program, Write
from maw_remote.engine.shape.gbnf import Rules, literal
from maw_remote.jobs.generate import searching
from maw_remote.jobs.generate.fitting import Shown, lines_of
from maw_remote.jobs.generate.payload import PROSE, Payload
from maw_remote.jobs.interface import BadInput

_END = r'"\x0A"'
ANSWER = "answer"  # the one field
BLOCKS_MAX = 12  # of one answer
RUN = 3  # of a marker's characters that any line may begin with, such as >>> of a doctest
_BEGUN = re.compile(r"^(?:<{4,}|={4,}|>{4,})", re.MULTILINE)
_NAME = "[A-Za-z0-9_.-]"  # of what a model may call a new file below a folder


def build(asked: Payload, shown: Sequence[Shown], tokens: int) -> Program:
    """The answer, of at most so many tokens. Where a server takes no grammar it is the same free text."""
    if asked.task in PROSE:
        return (Write(ANSWER, tokens),)
    return (Write(ANSWER, tokens, grammar=grammar(asked, shown)),)


def mark(asked: Payload) -> int:
    """How long the markers are: no line of a file that may be edited is one."""
    return answer.mark_for(file.text for file in asked.files if file.editable)


def grammar(asked: Payload, shown: Sequence[Shown]) -> str:
    """GBNF of all answers that name what was shown. Raises BadInput where there is none."""
    rules, marks = Rules(), answer.marks(mark(asked))
    line = _free_line(rules, _run(asked, len(marks.middle)))
    whole = f"{literal(marks.whole)} {_END} ({line})+ {literal(marks.whole_end)} {_END}"
    options = []
    for one in shown:
        if not one.file.editable:
            continue
        head = literal(f"{one.file.path}\n")
        if not lines_of(one.file.text):
            options.append(f"{head} {whole}")
        elif search := _search(rules, one):
            close = f"{literal(marks.middle)} {_END} ({line})* {literal(marks.replace)} {_END}"
            options.append(f"{head} {literal(marks.search)} {_END} ({search}) {close}")
    options += [f"{_new(rules, path)} {_END} {whole}" for path in asked.create]
    if not options:
        raise BadInput("no line of the files can be searched for, so nothing can be changed")
    block = rules.name(f'"FILE " ({" | ".join(options)})')
    return rules.text(f'{block}{{1,{BLOCKS_MAX}}} "DONE" {_END}')


def _new(rules: Rules, path: str) -> str:
    """A file that may be made, or one below a folder that ends in a slash."""
    if not path.endswith("/"):
        return literal(path)
    name = rules.name(f"[A-Za-z0-9_] {_NAME}{{0,60}}")
    return f'{literal(path)} {name} ("/" {name}){{0,3}}'


def _run(asked: Payload, length: int) -> int:
    """How many of a marker's characters a line may begin with: as many as lines of the files do, fewer than a marker
    has. A small model that means the marker often writes one too few."""
    begun = {len(match) for file in asked.files for match in _BEGUN.findall(file.text) if len(match) < length}
    return max(begun, default=RUN)


def _free_line(rules: Rules, most: int) -> str:
    """Any line that does not begin as a marker does."""
    rest = rules.name(r'[^\x0A]* "\x0A"')
    starts = [r"[^\x0A<=>] " + rest, r'"\x0A"']
    for char in "<=>":
        fewer = f'"{char}"{{1,{most}}}'
        starts.append(rf'{fewer} ([^\x0A{char}] {rest} | "\x0A")')
    return rules.name(" | ".join(starts))


def _search(rules: Rules, one: Shown) -> str:
    """Lines that follow each other, at least as many as stand at one place only; empty where none can be searched for.
    Where no line of the file stands at one place only, any will have to do."""
    lines = lines_of(one.file.text)
    where = searching.places(lines)
    sure: list[tuple[str, str]] = []
    unsure: list[tuple[str, str]] = []
    for first, end in searching.runs(one):
        following = {end: ""}
        for at in reversed(range(first, end)):
            following[at] = rules.name(f"{literal(lines[at])} {_END} {following[at + 1]}".rstrip()) + "?"
        for at in range(first, end):
            if lines[at].strip():
                count = searching.least(lines, where, at, end)
                text = "".join(f"{line}\n" for line in lines[at : at + (count or 1)])
                (sure if count else unsure).append((text, following[at + (count or 1)]))
    return _tree(sure or unsure)


def _tree(entries: Iterable[tuple[str, str]]) -> str:
    """Alternatives (text, what follows), with what texts begin alike with written once: the work at each token grows
    with the alternatives that are still open."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for text, then in entries:
        groups.setdefault(text[:1], []).append((text, then))
    found: list[str] = []
    for first, members in groups.items():
        if not first:
            found += [then or '""' for _, then in members]
        elif len(members) == 1:
            found.append(f"{literal(members[0][0])} {members[0][1]}".rstrip())
        else:
            size = _common([text for text, _ in members])
            below = _tree([(text[size:], then) for text, then in members])
            found.append(f"{literal(members[0][0][:size])} ({below})")
    return " | ".join(dict.fromkeys(found))


def _common(texts: Sequence[str]) -> int:
    """How many characters all of them begin with."""
    return sum(1 for _ in itertools.takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False)))
