"""Change one key in TOML text and leave every other character alone.

tomllib reads but has no positions, so the text is cut into statements here: a header, an assignment (perhaps over
several lines), or a line between them. Whoever edits compares what the result means with what it should mean
(maw/config/edit.py), so that a form this file does not know costs comments at worst, never a key.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

from maw.config.text import key_text

Path = tuple[str, ...]


class Statement(NamedTuple):
    """Lines `start` to `end` (exclusive). `path` is the whole dotted path, None for blank lines and comments."""

    start: int
    end: int
    path: Path | None
    header: bool


def put(text: str, path: Path, value: str) -> str:
    """`text` with `path` set to `value`, which is TOML already."""
    lines = _split(text)
    newline = "\r\n" if text.count("\r\n") > text.count("\n") / 2 else "\n"
    statements = _statements(lines)
    for found in statements:
        if found.path == path and not found.header:
            old = "".join(lines[found.start : found.end])
            lines[found.start : found.end] = [_replaced(old, value, newline)]
            return "".join(lines)
    return _inserted(lines, statements, path, value, newline)


def drop(text: str, path: Path) -> str:
    """`text` without `path`: an assignment, or a table with all that is below it."""
    lines = _split(text)
    for found in reversed(_statements(lines)):
        if found.path is not None and found.path[: len(path)] == path:
            del lines[found.start : found.end]
    return "".join(lines)


def _split(text: str) -> list[str]:
    # Not splitlines(): to TOML a form feed or U+2028 ends no line.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _statements(lines: list[str]) -> list[Statement]:
    found: list[Statement] = []
    table: Path = ()
    start = 0
    while start < len(lines):
        bare = lines[start].strip()
        if not bare or bare.startswith("#"):
            found.append(Statement(start, start + 1, None, False))
            start += 1
            continue
        end = _end_of(lines, start)
        statement = "".join(lines[start:end])
        header = bare.startswith("[")
        if header:
            table = _header_path(statement)
            found.append(Statement(start, end, table, True))
        else:
            found.append(Statement(start, end, table + _key_path(statement), False))
        start = end
    return found


def _end_of(lines: list[str], start: int) -> int:
    """The first end that makes the lines from `start` TOML on their own."""
    for end in range(start + 1, len(lines) + 1):
        try:
            tomllib.loads("".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return len(lines)


def _header_path(statement: str) -> Path:
    path: Path = ()
    node = tomllib.loads(statement)
    while node:
        name, below = next(iter(node.items()))
        path += (name,)
        node = below[0] if isinstance(below, list) else below
    return path


def _key_path(statement: str) -> Path:
    for match in re.finditer("=", statement):
        try:
            node: Any = tomllib.loads(statement[: match.start()] + "= 0")
        except tomllib.TOMLDecodeError:
            continue  # this one is inside a quoted key
        path: Path = ()
        while isinstance(node, dict):
            name, node = next(iter(node.items()))
            path += (name,)
        return path
    return ()


def _replaced(statement: str, value: str, newline: str) -> str:
    """The assignment with another value; indentation, key and a comment at its end stay."""
    whole = tomllib.loads(statement)
    comment = ""
    for match in re.finditer(r"[ \t]*#", statement):
        try:
            if tomllib.loads(statement[: match.start()]) == whole:
                comment = statement[match.start() :].rstrip("\r\n")
                break
        except tomllib.TOMLDecodeError:
            continue
    for match in re.finditer("=", statement):
        try:
            tomllib.loads(statement[: match.start()] + "= 0")
        except tomllib.TOMLDecodeError:
            continue
        return f"{statement[: match.start()]}= {value}{comment}{newline}"
    return statement


def _inserted(lines: list[str], statements: list[Statement], path: Path, value: str, newline: str) -> str:
    table, name = path[:-1], path[-1:]
    assignment = f"{key_text(name)} = {value}{newline}"
    body = _body(statements, table, len(lines))
    if body is None:
        _end_last_line(lines, newline)
        gap = [newline] if lines else []
        return "".join([*lines, *gap, f"[{key_text(table)}]{newline}", assignment])
    at = _place(lines, body, name[0])
    if at == len(lines):
        _end_last_line(lines, newline)
    lines.insert(at, assignment)
    return "".join(lines)


def _body(statements: list[Statement], table: Path, total: int) -> range | None:
    """The lines of a table, its header left out; None when it has no header of its own."""
    start = 0 if not table else None
    for found in statements:
        if not found.header:
            continue
        if start is not None:
            return range(start, found.start)
        if found.path == table:
            start = found.end
    return None if start is None else range(start, total)


def _place(lines: list[str], body: range, name: str) -> int:
    """Where a new key goes: below its commented default, else after the last line of the table that says something."""
    commented = re.compile(rf"#\s*{re.escape(name)}\s*=")
    for number in body:
        if commented.match(lines[number].strip()):
            return number + 1
    last = body.start
    for number in body:
        bare = lines[number].strip()
        if bare and not bare.startswith("#"):
            last = number + 1
    return last


def _end_last_line(lines: list[str], newline: str) -> None:
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += newline
