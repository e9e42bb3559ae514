"""Evaluated prefixes that stay in a worker's memory: in the model's cache, or swapped out as bytes; the least recently
used leave first. What is decided here needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from maw_remote.engine.vocabulary import shared

SWAPPED_MIN = 16  # tokens of a prefix that is worth being swapped out: to copy them takes less than to evaluate one


@dataclass
class Prefix:
    """Tokens that are evaluated: in a sequence of the model's cache, or in `state`."""

    tokens: list[int]
    adapter: str | None
    sequence: int | None
    state: bytes | None = None
    used: int = 0  # when, by Kept's own count
    users: int = 0  # requests under way that go on from it


class Kept:
    """The prefixes of one worker. `rollback`: a model that can go on from any place in a prefix, not from its end only;
    `limit`: bytes of those that are swapped out."""

    def __init__(self, *, rollback: bool, limit: int) -> None:
        self._rollback = rollback
        self._limit = limit
        self._prefixes: list[Prefix] = []
        self._now = 0

    def __iter__(self) -> Iterator[Prefix]:
        return iter(self._prefixes)

    def best(self, tokens: list[int], adapter: str | None) -> tuple[Prefix | None, int]:
        """The prefix that saves most, and how many tokens of it; the last token is always left to be evaluated."""
        found: Prefix | None = None
        most = 0
        for prefix in self._prefixes:
            if prefix.adapter != adapter:
                continue
            size = min(shared([prefix.tokens, tokens]), len(tokens) - 1)
            if size > most and (self._rollback or size == len(prefix.tokens)):
                found, most = prefix, size
        return found, most

    def add(self, prefix: Prefix) -> list[Prefix]:
        """Keep it. What it makes superfluous leaves, and is returned."""
        size = len(prefix.tokens)
        covered = [
            other
            for other in self._prefixes
            if other.adapter == prefix.adapter
            and not other.users
            and other.tokens == prefix.tokens[: len(other.tokens)]
            and (self._rollback or len(other.tokens) == size)
        ]
        for other in covered:
            self._prefixes.remove(other)
        self._prefixes.append(prefix)
        self.touch(prefix)
        return covered

    def touch(self, prefix: Prefix) -> None:
        self._now += 1
        prefix.used = self._now

    def remove(self, prefix: Prefix) -> None:
        self._prefixes.remove(prefix)

    def resident(self) -> list[Prefix]:
        """Those in the model's cache that nobody uses now, least recently used first."""
        idle = [prefix for prefix in self._prefixes if prefix.sequence is not None and not prefix.users]
        return sorted(idle, key=lambda prefix: prefix.used)

    def cells(self) -> int:
        """Tokens that they hold in the model's cache, at most: two may share some."""
        return sum(len(prefix.tokens) for prefix in self._prefixes if prefix.sequence is not None)

    def worth_swapping(self, prefix: Prefix) -> bool:
        return self._limit > 0 and len(prefix.tokens) >= SWAPPED_MIN

    def shrink(self) -> None:
        """Let go of swapped-out prefixes beyond the limit."""
        out = [prefix for prefix in self._prefixes if prefix.sequence is None]
        total = sum(len(prefix.state or b"") for prefix in out)
        for prefix in sorted(out, key=lambda prefix: prefix.used):
            if total <= self._limit:
                return
            total -= len(prefix.state or b"")
            self._prefixes.remove(prefix)
