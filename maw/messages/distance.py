"""How far a message is from what was suggested. Standard library only (hook path)."""

from __future__ import annotations

TAKEN, EDITED, DROPPED = "taken", "edited", "dropped"
WORDS_MAX = 400  # of either message that are compared
_ANOTHER = 0.75  # share of words that differ, from which on it is another message


def distance(one: str, other: str) -> int:
    """The least number of words to insert, remove or replace that makes one text the other (Levenshtein)."""
    ours, theirs = one.split()[:WORDS_MAX], other.split()[:WORDS_MAX]
    row = list(range(len(theirs) + 1))
    for at, word in enumerate(ours, 1):
        before, row[0] = row[0], at
        for to, found in enumerate(theirs, 1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (word != found))
    return row[-1]


def status(suggestion: str, message: str) -> tuple[str, int]:
    """What became of a suggestion, and the distance in words."""
    far = distance(suggestion, message)
    if far == 0:
        return TAKEN, 0
    longest = max(len(suggestion.split()), len(message.split()))
    return (DROPPED if far >= _ANOTHER * longest else EDITED), far
