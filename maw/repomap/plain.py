"""Outlines by plain patterns, for languages without a parser and files that a parser did not manage.

A line at a time and only its start, so that the time is in proportion to the file's size. Standard library only.
"""

from __future__ import annotations

import re

from maw.repomap.tags import DEFINITIONS_MAX, Definition, Tags, add_reference, signature

_LINE_MAX = 400
_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|open|override|async|suspend|inline|"
    r"sealed|data|virtual|pub(?:\([a-z]+\))?|unsafe|extern|local|case|partial)\s+){0,6}"
)
_WORDS = {
    "function": "function", "func": "function", "fun": "function", "fn": "function", "def": "function",
    "defp": "function", "sub": "function", "proc": "function", "defun": "function", "defn": "function",
    "class": "class", "struct": "struct", "interface": "interface", "trait": "trait", "enum": "enum",
    "module": "module", "defmodule": "module", "namespace": "namespace", "object": "object", "protocol": "protocol",
    "impl": "impl", "type": "type", "record": "class", "extension": "extension", "mixin": "class",
}  # fmt: skip
_DEFINITION = re.compile(rf"([ \t]*)\(?{_MODIFIERS}({'|'.join(_WORDS)})[ \t]+\*?[ \t]*([A-Za-z_$][\w$.:-]{{0,99}})")
_CALL = re.compile(r"\b([A-Za-z_]\w{1,99})\(")


def outline(data: bytes, trouble: str = "") -> Tags:
    """What looks like a definition, nested by its indentation, and what looks like a call."""
    found: list[tuple[int, Definition]] = []
    references: dict[str, list[int]] = {}
    open_: list[int] = []
    lines = data.decode("utf-8", "replace").splitlines()
    for number, text in enumerate(lines, 1):
        line = text[:_LINE_MAX]
        match = _DEFINITION.match(line)
        if match and len(found) < DEFINITIONS_MAX:
            depth = len(match[1].expandtabs(4))
            while open_ and found[open_[-1]][0] >= depth:
                _close(found, open_.pop(), number - 1)
            name = re.split(r"[.:]", match[3].rstrip(".:-"))[-1]
            parent = open_[-1] if open_ else -1
            open_.append(len(found))
            found.append((depth, Definition(name, _WORDS[match[2]], number, number, parent, signature(line))))
        for call in _CALL.finditer(line, match.end() if match else 0):
            add_reference(references, call[1], number)
    for place in open_:
        _close(found, place, len(lines))
    return Tags([definition for _, definition in found], references, trouble=trouble)


def _close(found: list[tuple[int, Definition]], place: int, end: int) -> None:
    depth, definition = found[place]
    found[place] = (depth, definition._replace(end=max(end, definition.line)))
