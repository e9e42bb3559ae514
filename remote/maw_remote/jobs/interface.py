"""What the runner knows of a job: what to do. The runner does queue, retry and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from maw.config.load import Config
from maw_remote.engine.interface import Engine, Message

Json = dict[str, Any]
# emit(type, data): append an event to the task's log. Cheap; text events are batched behind it.
Emit = Callable[[str, Json], Awaitable[None]]


class BadInput(ValueError):
    """The payload cannot be worked on; no retry would help. The message is for the user."""


class Job(Protocol):
    """One kind of task."""

    ROLE: str  # 'manager' or 'generator': whose model it uses

    def configure(self, config: Config) -> None:
        """Take over another configuration. No task runs meanwhile."""

    def check(self, payload: Json) -> None:
        """Refuse a payload before it is queued. Raises BadInput."""

    def fingerprint(self, payload: Json) -> bytes:
        """Exactly what determines the answer, of the payload; titles and ids do not."""

    def warm(self, payload: Json) -> Sequence[Message]:
        """What the prompts of tasks with such a payload begin with, as far as it is known before there is one: the
        payload may lack what makes it a task. Raises BadInput."""

    def title(self, payload: Json) -> str:
        """What a person sees in the queue. Never content."""

    def recipe(self) -> bytes:
        """What determines the answer besides payload and model: prompts, grammar, sampling. Part of the profile."""

    async def run(
        self, payload: Json, *, model: str, profile: str, engine: Engine, emit: Emit, since: float = 0.0
    ) -> Json:
        """Do it, using nothing that was answered before `since`. Raises BadInput and EngineError; cancellation
        arrives as asyncio.CancelledError."""
