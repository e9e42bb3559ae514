"""What is known of a file: its definitions and the names it refers to. Standard library only."""

from __future__ import annotations

import json
from typing import NamedTuple

from maw.text import one_line

SIGNATURE_MAX = 240  # characters; what is longer is cut, and says so
DEFINITIONS_MAX = 2000  # of one file; no file that people write has as many
NAMES_MAX = 4000  # different names that one file refers to
GAVE_UP = "the parsers took too long for other files"  # a trouble that is not kept: the file may be harmless
LINES_MAX = 50  # at which one name is referred to in one file


class Definition(NamedTuple):
    """`line` and `end` count from 1; `parent` is the place of the enclosing definition among the file's, -1 for none.
    `signature` is one line that is fit for a terminal."""

    name: str
    kind: str
    line: int
    end: int
    parent: int
    signature: str


class Tags(NamedTuple):
    """`definitions` in the order of the file; `references` tells at which lines a name is used. `trouble` says in a few
    words why its language's parser did not manage the file; `left_out` why it is no part of the map. `imports` has the
    words of what it imports."""

    definitions: list[Definition]
    references: dict[str, list[int]]
    imports: list[str] = []  # noqa: RUF012 - nobody changes it
    trouble: str = ""
    left_out: str = ""


class Names(NamedTuple):
    """What a graph of references needs of a file, and no more: the names it defines, how often it uses which, and the
    words of what it imports. What a function defines inside is its own business, and not among them."""

    defined: list[str]
    used: dict[str, int]
    imports: list[str]
    trouble: str = ""
    left_out: str = ""


def names_of(tags: Tags) -> Names:
    used = {name: len(lines) for name, lines in tags.references.items()}
    defined = list(dict.fromkeys(definition.name for definition in tags.definitions if not is_local(tags, definition)))
    return Names(defined, used, tags.imports, tags.trouble, tags.left_out)


def is_local(tags: Tags, definition: Definition) -> bool:
    """Whether a function defines it inside."""
    return definition.parent >= 0 and tags.definitions[definition.parent].kind in ("function", "method")


def encode(tags: Tags | Names) -> str:
    return json.dumps(tags, separators=(",", ":"))


def decode(text: str | bytes) -> Tags:
    """Raises ValueError for what encode did not make."""
    try:
        definitions, *rest = json.loads(text)
        return Tags([Definition(*item) for item in definitions], *rest)
    except TypeError as exc:
        raise ValueError(str(exc)) from exc


def decode_names(text: str | bytes) -> Names:
    """Raises ValueError for what encode did not make."""
    try:
        return Names(*json.loads(text))
    except TypeError as exc:
        raise ValueError(str(exc)) from exc


def signature(text: str) -> str:
    """A declaration on one line, cut where it is too long."""
    line = one_line(text[: 4 * SIGNATURE_MAX]).rstrip(" :{=")
    return line if len(line) <= SIGNATURE_MAX else line[: SIGNATURE_MAX - 1] + "…"


def add_reference(references: dict[str, list[int]], name: str, line: int) -> None:
    """Note a use of `name`, as far as there is room."""
    lines = references.get(name)
    if lines is None:
        if len(references) < NAMES_MAX:
            references[name] = [line]
    elif len(lines) < LINES_MAX:
        lines.append(line)


def enclosing(tags: Tags, line: int) -> int:
    """The place of the innermost definition that holds this line; -1 where none does."""
    found = -1
    for place, definition in enumerate(tags.definitions):
        if definition.line > line:
            break
        if definition.end >= line:
            found = place
    return found
