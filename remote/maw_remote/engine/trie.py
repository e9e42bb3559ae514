"""Options as a tree of tokens, so that all that several have in common is evaluated once, and their exact score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Node(NamedTuple):
    """A token after which options go on differently, or only go on: an inner node. `parent` -1: the root."""

    parent: int
    token: int
    depth: int  # 1 for the root's children


class Row(NamedTuple):
    """An inner node to be evaluated, for the branches (numbers, from 0) that go through it."""

    node: int
    branches: tuple[int, ...]


class Trie:
    """A list of tokens for each option, none empty. `nodes` are its inner nodes, parents first and by depth; `children`
    has for the root (-1) and each inner node the tokens that follow it."""

    def __init__(self, options: Sequence[Sequence[int]]) -> None:
        prefixes = sorted({tuple(option[:size]) for option in options for size in range(1, len(option))}, key=_by_depth)
        self._number = {(): -1} | {prefix: number for number, prefix in enumerate(prefixes)}
        self.nodes = [Node(self._number[prefix[:-1]], prefix[-1], len(prefix)) for prefix in prefixes]
        self.children: dict[int, list[int]] = {number: [] for number in self._number.values()}
        self._options = [tuple(option) for option in options]
        for option in self._options:
            for size in range(len(option)):
                following = self.children[self._number[option[:size]]]
                if option[size] not in following:
                    following.append(option[size])

    def branches(self) -> list[list[int]]:
        """The paths (inner nodes, from the top) to each inner node that has no inner node below it."""
        parents = {node.parent for node in self.nodes}
        return [self.path(number) for number in range(len(self.nodes)) if number not in parents]

    def path(self, number: int) -> list[int]:
        found: list[int] = []
        while number >= 0:
            found.append(number)
            number = self.nodes[number].parent
        return found[::-1]

    def scores(self, logprobs: dict[int, Sequence[float]]) -> list[float]:
        """Each option's log-probability, from those of `children`, by inner node (the root is -1)."""
        return [self._score(option, logprobs) for option in self._options]

    def _score(self, option: tuple[int, ...], logprobs: dict[int, Sequence[float]]) -> float:
        total = 0.0
        for size, token in enumerate(option):
            number = self._number[option[:size]]
            total += float(logprobs[number][self.children[number].index(token)])
        return total


def rows(branches: Sequence[Sequence[int]], *, together: bool) -> list[Row]:
    """The rows that evaluate these branches. `together`: a row is shared by all branches that go through its node;
    else each branch has rows of its own, which recurrent models need."""
    if not together:
        return [Row(number, (at,)) for at, path in enumerate(branches) for number in path]
    users: dict[int, list[int]] = {}
    for at, path in enumerate(branches):
        for number in path:
            users.setdefault(number, []).append(at)
    return [Row(number, tuple(users[number])) for number in sorted(users)]


def shares(scores: Sequence[float]) -> tuple[list[float], float]:
    """Each option's probability among all, and the mass that all have together, from their log-probabilities."""
    top = max(scores)
    if not math.isfinite(top):
        return [1.0 / len(scores)] * len(scores), 0.0
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights], min(1.0, math.exp(top) * total)


def _by_depth(prefix: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return len(prefix), prefix
