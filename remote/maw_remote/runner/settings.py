"""The runner's settings: from the configuration, and times that only tests change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from maw.config.load import Config
from maw_remote.runner.configuration import Configuration


class Settings(NamedTuple):
    """Times in seconds."""

    models: dict[str, str]  # a role's model: manager, generator
    idle_exit: float = 0.0  # 0: never
    retention: float = 14 * 86400.0
    synchronous: str = "normal"
    grace: float = 60.0  # how long a task without keep goes unwatched before it is cancelled
    patience: float = 3.0  # how long it goes unwatched before it gives way to those that somebody waits for
    heartbeat: float = 5.0  # a third of the lease or less
    tick: float = 0.25  # how often deadlines, absent clients and idleness are looked at
    keep_alive: float = 5.0  # a comment on a silent stream; clients take three missing ones for a dead peer
    text_interval: float = 0.05
    stop_timeout: float = 5.0  # how long requests and jobs may take to end when the runner stops
    queue_max: int = 64  # tasks that may wait
    max_body: int = 256 * 1024 * 1024  # bytes of a request


class Live(NamedTuple):
    """A configuration that may change, and what to do with it then."""

    configuration: Configuration
    settings: Callable[[Config], Settings]
    apply: Callable[[Config], Awaitable[None]]  # to what the runner does not know of; no task runs meanwhile


def from_config(config: Config, *, idle_exit: float | None = None) -> Settings:
    """The settings in force; `idle_exit` (seconds) is the command line's."""
    return Settings(
        models={role: config[f"roles.{role}"] for role in ("manager", "generator")},
        idle_exit=config["runner.idle_exit"] if idle_exit is None else idle_exit,
        retention=config["runner.retention"],
        synchronous=config["runner.synchronous"],
        queue_max=config["runner.queue_max"],
    )
