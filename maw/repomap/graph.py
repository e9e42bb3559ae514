"""Which definitions matter: files refer to files by names, and importance flows along, from some files or from all.
Pure; standard library only.

Personalised PageRank by power iteration. 2,000 files have some 30,000 references, which need no matrix library.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from maw.repomap.tags import Names

DAMPING = 0.85
ROUNDS = 20
ENOUGH = 1e-4  # change of all ranks together at which to stop
UNLINKED = 0.03  # how much a use counts in a file that imports nothing which is called like the definition's file
BACK = 0.5  # how much flows back to the users of what is used, seen from some files: they often change together
NOTHING = 1e-5  # a file's rank below which what it uses is not looked at
DEFINERS_MAX = 40  # a name that more files define (main, run, __init__) tells nothing


# A file refers to a name that another defines: that file, the name, the weight, and whether the file imports something
# that is called like the other. Plain tuples: there are a hundred thousand.
Edge = tuple[int, str, float, bool]


class Ranks(NamedTuple):
    """`files` by path, a share of 1 in all; `definitions` by path and name, as far as other files use them. `users`: of
    each file, the names of the focus that it uses."""

    files: dict[str, float]
    definitions: dict[tuple[str, str], float]
    users: dict[str, set[str]]


def rank(files: Mapping[str, Names], focus: Collection[str] = ()) -> Ranks:
    """Rank files and definitions by how they are referred to, seen from the files in `focus`, or from everywhere."""
    paths = list(files)
    edges = _edges(paths, files)
    chosen = {number for number, path in enumerate(paths) if path in set(focus)}
    ranks = pagerank(_flows(edges, BACK if chosen else 0.0), chosen)
    scores: list[dict[str, float]] = [{} for _ in paths]  # of each file's definitions
    users: dict[str, set[str]] = {}
    for source, outgoing in enumerate(edges):
        if ranks[source] < NOTHING or not outgoing:
            continue
        share = ranks[source] / sum([weight for _, _, weight, _ in outgoing])
        for target, name, weight, linked in outgoing:
            there = scores[target]
            there[name] = there.get(name, 0.0) + share * weight
            if linked and target in chosen and source not in chosen:
                users.setdefault(paths[source], set()).add(name)
    definitions = {
        (path, name): score for path, there in zip(paths, scores, strict=True) for name, score in there.items()
    }
    return Ranks(dict(zip(paths, ranks, strict=True)), definitions, users)


def pagerank(flows: list[dict[int, float]], chosen: Collection[int] = ()) -> list[float]:
    """The rank of each node; `flows` has the weights of a node's edges by target. They start, and start again, from
    the `chosen` nodes, or from all."""
    count = len(flows)
    starts = chosen or range(count)
    start = [0.0] * count
    for node in starts:
        start[node] = 1 / len(starts)
    wholes = [sum(flow.values()) for flow in flows]
    ranks = start
    for _ in range(ROUNDS):
        lost = sum(share for share, whole in zip(ranks, wholes, strict=True) if not whole)
        again = 1 - DAMPING + DAMPING * lost
        following = [again * share for share in start]
        for node, flow in enumerate(flows):
            share = ranks[node]
            if share and flow:
                share *= DAMPING / wholes[node]
                for target, weight in flow.items():
                    following[target] += share * weight
        change = sum(abs(new - old) for new, old in zip(following, ranks, strict=True))
        ranks = following
        if change < ENOUGH:
            break
    return ranks


def _edges(paths: list[str], files: Mapping[str, Names]) -> list[list[Edge]]:
    definers: dict[str, list[int]] = {}
    for number, path in enumerate(paths):
        for name in files[path].defined:
            definers.setdefault(name, []).append(number)
    worths: dict[str, float] = {}  # of the names that are used
    stems = [_stem(path) for path in paths]
    edges: list[list[Edge]] = []
    for number, path in enumerate(paths):
        outgoing: list[Edge] = []
        imports = set(files[path].imports)
        for name, times in files[path].used.items():
            targets = definers.get(name)
            if targets is None:
                continue
            worth = worths.get(name)
            if worth is None:
                worth = worths[name] = _worth(name, len(targets))
            weight = worth * math.sqrt(times)
            for target in targets if worth else ():
                if target != number:
                    linked = stems[target] in imports
                    outgoing.append((target, name, weight if linked else UNLINKED * weight, linked))
        edges.append(outgoing)
    return edges


def _stem(path: str) -> str:
    """The name by which others import a file: its own, or its folder's."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if stem in ("__init__", "index", "mod") or name.endswith(".go") else stem


def _worth(name: str, definers: int) -> float:
    """How much a use of the name tells: less when many files define it, when it is private, or short."""
    if definers > DEFINERS_MAX:
        return 0.0
    worth = 1 / definers
    if name.startswith("_"):
        worth *= 0.3
    return worth * 0.3 if len(name) < 4 else worth


def _flows(edges: list[list[Edge]], back_share: float) -> list[dict[int, float]]:
    """From each file to each other, along its uses and, with a share of the weight, back."""
    flows: list[dict[int, float]] = [{} for _ in edges]
    for source, outgoing in enumerate(edges):
        whole: dict[int, float] = {}
        for target, _, weight, _ in outgoing:
            whole[target] = whole.get(target, 0.0) + weight
        there = flows[source]
        for target, weight in whole.items():
            there[target] = there.get(target, 0.0) + weight
            if back_share:
                back = flows[target]
                back[source] = back.get(source, 0.0) + back_share * weight
    return flows
