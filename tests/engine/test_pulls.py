"""Pulls as the runner holds them: nothing that a client names may keep one, or the runner, for ever."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from maw import paths
from maw_remote.engine.gguf import BadModel, read_header
from maw_remote.engine.local import LocalEngine
from maw_remote.engine.pulls import Pulls, Step
from maw_remote.engine.settings import Settings
from maw_remote.engine.sources import Progress, StoreError
from maw_remote.engine.store import Installed, Store
from tests.engine.ggufs import gguf, write


async def told(pulls: Pulls, name: str, source: str) -> Step:
    """The step that a pull ends with."""
    steps = [step async for step in pulls.start(name, source).steps(0.5) if step is not None]
    return steps[-1]


def test_a_pipe_is_no_model_and_is_not_waited_for(home: Path) -> None:
    pipe = home / "pipe.gguf"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as both:
        both.write(b"GGUF")  # so that whoever does read it gets an answer, and this test ends
        with pytest.raises(BadModel, match="not a regular file"):
            read_header(str(pipe))
    with pytest.raises(BadModel, match="not a regular file"):
        read_header(os.devnull)
    with pytest.raises(StoreError, match="not a regular file"):
        Store().pull("mine", f"path:{pipe}", lambda *_: None)


class Stuck(Store):
    """A store on a disk that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.over = threading.Event()

    def pull(self, name: str, source: str | None, progress: Progress) -> Installed:
        self.asked.set()
        self.answer.wait(30)
        self.over.set()
        return super().pull(name, source, progress)


def test_a_pull_that_does_not_end_holds_neither_the_stop_nor_the_process(home: Path) -> None:
    file = write(home / "m.gguf", gguf())
    store = Stuck()

    async def work() -> None:
        pulls = Pulls(store, close_within=0.1)
        pulls.start("mine", f"path:{file}")
        assert pulls.running == 1
        await asyncio.sleep(0)
        await pulls.close()

    asyncio.run(work())  # would also wait for threads of asyncio's own
    came_to_its_end(store, "pull")


def test_a_file_that_is_not_read_to_its_end_holds_no_stop(home: Path) -> None:
    """A task names a model that needs no pull: its file is read for its checksum, and may be a large one."""
    file = write(home / "m.gguf", gguf())
    Path(paths.catalogue_file()).write_text(f'[models.mine]\nsource = "path:{file}"\n')
    store = Stuck()

    async def work() -> None:
        engine = LocalEngine(store, Settings())
        loading = asyncio.create_task(engine.load("mine"))
        await asyncio.to_thread(store.asked.wait, 30)
        loading.cancel()
        await engine.close()

    asyncio.run(work())
    came_to_its_end(store, "look")


def came_to_its_end(store: Stuck, name: str) -> None:
    """The thread of this name is still at it, and is let go now."""
    assert not store.over.is_set()
    [thread] = [thread for thread in threading.enumerate() if thread.name == name]
    assert thread.daemon
    store.answer.set()
    thread.join(20)
    assert store.over.is_set()


def test_an_engine_that_pulls_is_at_work(home: Path) -> None:
    file = write(home / "m.gguf", gguf())
    store = Stuck()

    async def work() -> list[bool]:
        engine = LocalEngine(store, Settings())
        states = [engine.working()]
        pull = engine.pulls.start("mine", f"path:{file}")
        states.append(engine.working())
        store.answer.set()
        assert [step async for step in pull.steps(0.5)]
        await engine.close()
        return [*states, engine.working()]

    assert asyncio.run(work()) == [False, True, False]


def test_a_pull_that_ended_is_told_and_no_longer_runs(home: Path) -> None:
    file = write(home / "m.gguf", gguf())

    async def work() -> tuple[Step, Step, int]:
        pulls = Pulls(Store())
        good = await told(pulls, "mine", f"path:{file}")
        bad = await told(pulls, "other", f"path:{home}/none.gguf")
        await pulls.close()
        return good, bad, pulls.running

    good, bad, running = asyncio.run(work())
    assert (good.kind, good.data["model"]["name"]) == ("done", "mine")
    assert (bad.kind, bad.data["error"]["code"], running) == ("failed", "not_found", 0)
