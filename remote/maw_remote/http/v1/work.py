"""An engine at work for one client: it stops when the client leaves, whatever the handler is doing just then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from maw_remote.engine.interface import Field, Text, Usage

Part = Text | Field | Usage


class Gone(Exception):
    """The client has left; nobody reads an answer."""


class Work:
    """The parts of an answer, as they come. Use it within `async with`: leaving the block ends the work. Where that
    does not come about, the end of the answer or of the connection does it."""

    def __init__(self, parts: AsyncIterator[Part], receive: Any) -> None:
        """`receive`: the ASGI channel, once the body was read from it."""
        self._parts = parts
        self._receive = receive
        self._found: asyncio.Queue[Part | None] = asyncio.Queue()

    async def __aenter__(self) -> Work:
        self._pump = asyncio.create_task(self._run())
        self._pump.add_done_callback(self._ended)
        self._watch = asyncio.create_task(self._watching())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._watch, self._pump):
            task.cancel()
        await asyncio.wait((self._watch, self._pump))

    async def next(self) -> Part | None:
        """The next part, None at the end. Raises Gone, and what the work raises."""
        found = await self._found.get()
        if found is None:
            if self._pump.cancelled():
                raise Gone
            self._pump.result()
        return found

    async def _run(self) -> None:
        async with aclosing(self._parts) as parts:  # type: ignore[type-var]
            async for part in parts:
                self._found.put_nowait(part)

    def _ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled():
            pump.exception()  # looked at here, since nobody may be reading any more
        self._found.put_nowait(None)

    async def _watching(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._pump.cancel()
