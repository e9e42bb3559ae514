"""Which models a machine should run, by its memory and its speed, and why. A pure choice over the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

from maw.config.schema import BY_KEY
from maw.text import count
from maw_remote.engine.catalogue import ROLES, Entry

# A guess good enough to choose by: 4,096 tokens of context take an eighth of the weights (7B, 8-bit heads shared by
# four, 16-bit cache: 0.54 of 4.37 GB), a process with its buffers half a gigabyte.
_CONTEXT_SHARE = 0.125 / 4096
_PROCESS = 500_000_000

# How fast a processor is, where there is no GPU: bytes of a model's file times tokens a second, for each core. Measured
# with 98 MB of 4-bit weights on a core with AVX2: 99 tokens/s read, 50 written. Writing goes through all of the weights
# for each token, so that the memory's bandwidth bounds it, however many cores there are.
_READS, _WRITES, _WRITES_MAX = 9.7e9, 4.9e9, 20e9
_SMALL_CHANGE = (300, 60)  # tokens that are read and written for one, where what all units share is known
PATIENCE: float = BY_KEY["review.deadline"].default  # seconds that a commit waits, unless it was told otherwise


class Choice(NamedTuple):
    """`needs` in bytes, about."""

    role: str
    entry: Entry
    needs: int
    why: str


class Advice(NamedTuple):
    choices: tuple[Choice, ...]  # manager and generator; none when nothing fits
    needs: int  # both together, bytes
    passed_over: tuple[tuple[str, str], ...]  # (model, why not)


def needs(entry: Entry, context: int) -> int:
    """Bytes a loaded model takes, about."""
    size = entry.size or 0
    return int(size * (1 + _CONTEXT_SHARE * min(context, entry.context or context))) + _PROCESS


def seconds(entry: Entry, cores: int) -> float:
    """How long a small change takes a model on so many cores, about; 0 cores: on a GPU, which is quick enough."""
    if not cores:
        return 0.0
    read, write = _SMALL_CHANGE
    return (entry.size or 0) * (read / (_READS * cores) + write / min(_WRITES * cores, _WRITES_MAX))


def advise(entries: Iterable[Entry], budget: int, context: int, cores: int = 0) -> Advice:
    """The best pair that fits into `budget` bytes together and answers in time on `cores` (0: on a GPU); where none
    does, the quickest. One model in both roles is loaded once."""
    known = [entry for entry in entries if entry.roles and entry.size]
    ranks = {entry.name: (entry.tier or 0, -place) for place, entry in enumerate(known)}
    fit = [entry for entry in known if _obstacle(entry, budget, context) is None]
    managers, generators = ([entry for entry in fit if role in entry.roles] for role in ROLES)
    pairs = [pair for pair in product(managers, generators) if _together(pair, context) <= budget]
    quick = [pair for pair in pairs if all(seconds(entry, cores) <= PATIENCE for entry in pair)]
    best = max(quick, key=lambda pair: (ranks[pair[0].name], ranks[pair[1].name]), default=None)
    late = best is None
    best = best or min(pairs, key=lambda pair: _together(pair, context), default=None)
    names = {entry.name for entry in best or ()}
    passed = [(entry.name, _passed(entry, budget, context, cores)) for entry in known if entry.name not in names]
    if best is None:
        return Advice((), 0, tuple(passed))
    choices = tuple(
        Choice(
            role,
            entry,
            needs(entry, context),
            _quickest(entry, cores) if late else _reason(role, best, budget, context),
        )
        for role, entry in zip(ROLES, best, strict=True)
    )
    return Advice(choices, _together(best, context), tuple(passed))


def _together(pair: tuple[Entry, Entry], context: int) -> int:
    first, second = pair
    return needs(first, context) + (needs(second, context) if second.name != first.name else 0)


def _obstacle(entry: Entry, budget: int, context: int) -> str | None:
    if entry.reasoning:
        return "it thinks before it answers, which maw does not handle yet"
    if entry.attention != "dense" and "manager" in entry.roles:
        return f"its attention ({entry.attention or 'unknown'}) cannot reuse the beginning that all units share"
    size = needs(entry, context)
    return f"it needs about {_gb(size)}, {_gb(budget)} are there" if size > budget else None


def _passed(entry: Entry, budget: int, context: int, cores: int) -> str:
    obstacle = _obstacle(entry, budget, context)
    if obstacle is None and seconds(entry, cores) > PATIENCE:
        return f"a small change takes it {_about(entry, cores)}, and a commit waits {PATIENCE:.0f} s"
    return obstacle or "another one is the better choice here"


def _quickest(entry: Entry, cores: int) -> str:
    return (
        f"the quickest here, yet a small change takes it {_about(entry, cores)}, longer than the {PATIENCE:.0f} s "
        "that a commit waits: `maw config set review.mode background`, or a small model of your own"
    )


def _about(entry: Entry, cores: int) -> str:
    return f"about {seconds(entry, cores):.0f} s on {count(cores, 'core')}"


def _reason(role: str, pair: tuple[Entry, Entry], budget: int, context: int) -> str:
    manager, generator = pair
    if manager.name == generator.name:
        return "plays both roles, so it is loaded once and nothing has to be swapped"
    if role == "manager":
        return f"the best reviewer that leaves room for a generator in {_gb(budget)}"
    return f"the best one for code that fits beside it: together about {_gb(_together(pair, context))}"


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
