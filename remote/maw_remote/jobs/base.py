"""What all jobs have in common: what tells one answer from another, and how a task is called."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

from maw.config.load import Config
from maw_remote.jobs import reading
from maw_remote.jobs.interface import Json


class Base(ABC):
    """The half of jobs.interface.Job that is the same for each; a job calls `_made_of` when it is configured."""

    KEYS: tuple[str, ...]  # of a payload: those that determine the answer

    def __init__(self, config: Config) -> None:
        self._recipe = b""
        self.configure(config)

    @abstractmethod
    def configure(self, config: Config) -> None: ...

    def fingerprint(self, payload: Json) -> bytes:
        return reading.fingerprint(payload, self.KEYS)

    def title(self, payload: Json) -> str:
        return reading.title(payload)

    def recipe(self) -> bytes:
        return self._recipe

    def _made_of(self, *parts: str) -> None:
        """What determines answers besides payload and model."""
        self._recipe = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()
