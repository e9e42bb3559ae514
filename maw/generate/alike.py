"""How much of two paths is the same. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence


def in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items two sequences begin with that are the same."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def near(one: str, other: str) -> int:
    """How many folders two paths share from the top on."""
    return in_common(one.split("/")[:-1], other.split("/")[:-1])
