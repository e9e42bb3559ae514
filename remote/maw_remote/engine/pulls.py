"""Pulls that go on: each in a thread, whoever asked for it may leave, and who asks again joins it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from maw.errors import FatalError
from maw_remote.engine.apart import apart
from maw_remote.engine.sources import StoreError
from maw_remote.engine.store import Installed, Store

_REPORT = "`maw-runner logs` on the node has the details; please report them"
_TELL_EVERY = 0.1  # seconds between two told steps of progress
CLOSE_WITHIN = 5.0  # seconds that pulls have to stop in


class Step(NamedTuple):
    """`kind` is 'progress' (phase, done and total in bytes, total None where unknown), 'done' (model) or 'failed'."""

    kind: str
    data: dict[str, Any]


class _Stopped(Exception):
    """The runner leaves, or somebody cancelled."""


class Pull:
    """One pull, as those who watch it see it."""

    def __init__(self, source: str | None) -> None:
        self.source = source
        self.stopped = False
        self.step = Step("progress", {"phase": "download", "done": 0, "total": None})
        self.number = 0
        self.changed = asyncio.Event()
        self.over = False
        self.told = 0.0

    def tell(self, step: Step) -> None:
        self.step, self.over = step, step.kind != "progress"
        self.number += 1
        self.changed.set()
        self.changed = asyncio.Event()

    async def steps(self, pause: float) -> AsyncIterator[Step | None]:
        """What happens from now on, up to the end; None after `pause` seconds of silence."""
        seen = -1
        while True:
            if self.number != seen:
                seen = self.number
                yield self.step
                if self.over:
                    return
            try:
                await asyncio.wait_for(self.changed.wait(), pause)
            except TimeoutError:
                yield None


class Pulls:
    def __init__(self, store: Store, *, close_within: float = CLOSE_WITHIN) -> None:
        self._store = store
        self._close_within = close_within
        self._running: dict[str, Pull] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def start(self, name: str, source: str | None) -> Pull:
        """The pull of this model: a new one, or the one that runs. Raises FatalError for what cannot be pulled."""
        running = self._running.get(name)
        if running is not None:
            if source not in (None, running.source):
                raise StoreError(
                    "conflict",
                    f"{name} is being pulled from elsewhere",
                    hint=f"stop that: `maw model pull {name} --cancel`",
                )
            return running
        self._store.check_pull(name, source)
        pull = self._running[name] = Pull(source)
        task = asyncio.create_task(self._pull(pull, name, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return pull

    def cancel(self, name: str) -> None:
        """Stop a pull; what has come waits for the next one. Raises StoreError when there is none."""
        running = self._running.get(name)
        if running is None:
            raise StoreError("not_found", f"{name} is not being pulled", hint="`maw model list` shows what is there")
        running.stopped = True

    @property
    def running(self) -> int:
        """How many pulls are on their way."""
        return len(self._running)

    async def close(self) -> None:
        """Stop what runs; what has come waits for the next pull."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._close_within)

    async def _pull(self, pull: Pull, name: str, source: str | None) -> None:
        loop = asyncio.get_running_loop()

        def progress(phase: str, done: int, total: int | None) -> None:  # in the thread
            if self._closing or pull.stopped:
                raise _Stopped
            now = time.monotonic()
            if now - pull.told >= _TELL_EVERY:
                pull.told = now
                loop.call_soon_threadsafe(pull.tell, Step("progress", {"phase": phase, "done": done, "total": total}))

        step = Step("failed", {"error": {"code": "defect", "message": f"{name}: a defect in maw", "hint": _REPORT}})
        try:
            manifest = await apart(lambda: self._store.pull(name, source, progress), "pull")
            step = Step("done", {"model": _told(manifest)})
        except FatalError as exc:
            error = {"code": getattr(exc, "code", "bad_input"), "message": exc.message, "hint": exc.hint}
            step = Step("failed", {"error": error})
        except OSError as exc:
            step = Step("failed", {"error": {"code": "download", "message": f"{name}: {exc}", "hint": None}})
        except _Stopped:
            said = "the pull was cancelled" if pull.stopped else "the runner stopped"
            hint = "the same command goes on from where it stopped; `maw model rm` removes what has come"
            step = Step("failed", {"error": {"code": "stopped", "message": f"{name}: {said}", "hint": hint}})
        finally:
            # Also after a defect: nobody waits for a pull that is no more.
            del self._running[name]
            pull.tell(step)


def _told(manifest: Installed) -> dict[str, Any]:
    return {key: value for key, value in manifest._asdict().items() if key != "mtime_ns"}
