"""Work that blocks, in a thread that may end with the process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def apart(work: Callable[[], T], name: str) -> T:
    """`work` in a thread of its own, called `name`: a disk that does not answer (a network's), or a large file that is
    read whole, would keep asyncio's threads, and with them a runner that is to stop."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(finish: Callable[[], None]) -> None:
        if not done.cancelled():
            finish()

    def body() -> None:
        try:
            finish = partial(done.set_result, work())
        except BaseException as exc:  # noqa: BLE001 - carried over to who awaits it
            finish = partial(done.set_exception, exc)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, finish)

    threading.Thread(target=body, name=name, daemon=True).start()
    return await done
