"""Which engine a model is run by, told by its name: `BACKEND/MODEL` is a server's, any other this machine's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from maw import api
from maw.config.load import Config
from maw_remote.engine.interface import Field, Message, Request, Text, Usage
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.openai.backend import ServerEngine


def is_servers(model: str) -> bool:
    """Whether a model's name is that of a server's. Names of our own models have no slash."""
    return "/" in model


class ChosenEngine:
    """Implements interface.Engine by the two engines there are."""

    def __init__(self, local: LocalEngine, servers: ServerEngine) -> None:
        self.local = local
        self.servers = servers

    def _of(self, model: str) -> LocalEngine | ServerEngine:
        return self.servers if is_servers(model) else self.local

    async def run(self, model: str, request: Request) -> AsyncGenerator[Text | Field | Usage, None]:
        async with aclosing(self._of(model).run(model, request)) as parts:
            async for part in parts:
                yield part

    async def count(self, model: str, texts: Sequence[str]) -> list[int]:
        return await self._of(model).count(model, texts)

    async def context(self, model: str) -> int:
        return await self._of(model).context(model)

    def identity(self, model: str) -> str:
        return self._of(model).identity(model)

    async def load(self, model: str) -> None:
        await self._of(model).load(model)

    async def unload(self, model: str) -> None:
        await self._of(model).unload(model)

    def parallel(self, model: str) -> int:
        return self._of(model).parallel(model)

    async def warm(self, model: str, messages: Sequence[Message]) -> None:
        await self._of(model).warm(model, messages)

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        return await self._of(model).embed(model, texts)

    def working(self) -> bool:
        return self.local.working() or self.servers.working()

    def models(self) -> list[api.Model]:
        return [*self.local.models(), *self.servers.models()]

    async def configure(self, config: Config) -> None:
        self.servers.take(config)
        await self.local.configure(config)

    async def close(self) -> None:
        await self.servers.close()
        await self.local.close()
