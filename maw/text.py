"""Text from diffs, models and nodes, made safe for a terminal. Standard library only (hook path)."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` without control characters, those of terminal escapes included; newline and tab stay."""
    if text.isprintable():
        return text
    return "".join(char if char in "\n\t" or char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def one_line(text: str) -> str:
    """`text` on one line: each run of white space is one blank, and no control character is left."""
    return printable(" ".join(text.split()))


def flat(text: str) -> str:
    """`text` on one line with its blanks as they are: code, or a row whose columns stand where they stand."""
    return printable(text.replace("\n", " ").expandtabs(4))


def count(number: int, noun: str) -> str:
    """`1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
