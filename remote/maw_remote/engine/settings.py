"""How models are run: the engine's part of a configuration."""

from __future__ import annotations

from typing import NamedTuple

import psutil

from maw.config.load import Config
from maw_remote.engine import memory
from maw_remote.engine.ledger import Budget
from maw_remote.engine.pool import LINGER, Rules
from maw_remote.engine.process import HANG_AFTER

ROLES = ("manager", "generator")


class Settings(NamedTuple):
    """`threads` 0: physical cores less one; times in seconds, amounts in bytes. `budget.total` 0: what the machine
    grants."""

    context: int = 4096
    kv: str = "f16"
    sequences: int = 4
    threads: int = 0
    gpu_layers: int = -1
    keep_alive: float = 1800.0
    max_wait: float = 60.0
    linger: float = LINGER
    queue_max: int = 64
    prefix_memory: int = 256 << 20
    prefix_disk: int = 2_000_000_000
    budget: Budget = Budget(0)
    roles: tuple[tuple[str, str], ...] = ()  # (role, model)
    hang_after: float = HANG_AFTER

    @property
    def rules(self) -> Rules:
        return Rules(self.keep_alive, self.max_wait, self.linger)

    @property
    def worker_threads(self) -> int:
        return self.threads or max(1, (psutil.cpu_count(logical=False) or 2) - 1)

    @property
    def loading(self) -> tuple[int | str, ...]:
        """What a loaded model was loaded with: when it changes, the model is loaded anew."""
        return self.context, self.kv, self.sequences, self.threads, self.gpu_layers, self.prefix_memory


def settings(config: Config) -> Settings:
    """The engine's settings of a configuration."""
    of = config.values
    return Settings(
        context=of["runner.context"],
        kv=of["runner.kv"],
        sequences=max(of["runner.sequences"], 1),
        threads=of["runner.threads"],
        gpu_layers=of["runner.gpu_layers"],
        keep_alive=of["runner.keep_alive"],
        max_wait=of["runner.max_wait"],
        queue_max=of["runner.queue_max"],
        prefix_memory=of["runner.prefix_memory"],
        prefix_disk=of["runner.prefix_disk"],
        budget=Budget(
            of["budget.total"],
            of["budget.models"],
            of["budget.context"],
            of["budget.buffer"],
            how="as set",
        ),
        # A name with a slash is a server's model (choice.py).
        roles=tuple((role, of[f"roles.{role}"]) for role in ROLES if "/" not in of[f"roles.{role}"]),
    )


def budget(wanted: Budget) -> Budget:
    """The budget with its total filled in from the machine, where none is set. Blocks: it may ask a GPU's driver."""
    if wanted.total:
        return wanted
    has = memory.memory()
    return wanted._replace(total=has.budget, how=has.how)
