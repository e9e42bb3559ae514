"""Who holds how much of the memory for models, against what there is. Bytes; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from maw.text import size
from maw_remote.engine.estimate import Parts


class Budget(NamedTuple):
    """`total` is for everything. `models` (weights, buffers, processes) and `context` (KV cache, prefixes) bound their
    part of it, 0: by the total only. `buffer` is kept free of models: it is there for background jobs."""

    total: int
    models: int = 0
    context: int = 0
    buffer: int = 0
    how: str = ""  # where the total is from, a phrase for the user

    @property
    def for_models(self) -> int:
        """What all loaded models may have together."""
        return max(self.total - self.buffer, 0)


class Ledger:
    """Holdings by model, and what jobs reserved. It adds up and compares; who is admitted is the pool's decision."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.holdings: dict[str, Parts] = {}
        self.jobs: dict[str, int] = {}

    @property
    def held(self) -> int:
        return sum(parts.total for parts in self.holdings.values())

    @property
    def room(self) -> int:
        """Bytes that one more model may have. A job that reserved more than the buffer takes the rest from here."""
        return self.budget.total - max(self.budget.buffer, sum(self.jobs.values())) - self.held

    def fits(self, parts: Parts, without: Collection[str] = ()) -> bool:
        """Whether a further model has room once the models `without` are gone."""
        others = [held for name, held in self.holdings.items() if name not in without]
        models = sum(held.total - held.context for held in others) + parts.total - parts.context
        context = sum(held.context for held in others) + parts.context
        bounds = ((self.budget.models, models), (self.budget.context, context))
        gone = sum(held.total for name, held in self.holdings.items() if name in without)
        return parts.total <= self.room + gone and all(not bound or needed <= bound for bound, needed in bounds)

    def figures(self, parts: Parts, staying: Mapping[str, str]) -> str:
        """Why a model that needs at least `parts` cannot be had: `staying` names those that do not leave, and why."""
        told = f"it needs {size(parts.total)} (weights {size(parts.weights)}, context {size(parts.context)})"
        told += f", and {size(self.budget.for_models)} are for models"
        bounds = (("models", self.budget.models), ("context", self.budget.context))
        told += "".join(f", {name} at most {size(bound)}" for name, bound in bounds if bound)
        holders = [f"{name} {size(self.holdings[name].total)} ({why})" for name, why in staying.items()]
        if self.jobs:
            holders += [f"{name} {size(count)} (a background job)" for name, count in self.jobs.items()]
        return told + (f"; held by {', '.join(holders)}" if holders else "")
