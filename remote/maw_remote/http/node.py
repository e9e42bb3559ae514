"""`/api/v1/status` and `/api/v1/warm`: the node itself."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
import psutil
from litestar import get, post
from litestar.params import Body

from maw import api, paths
from maw_remote.http import views
from maw_remote.http.tasks import TheRunner
from maw_remote.runner.configuration import Configuration


@get("/status")
async def status(runner: TheRunner) -> api.Status:
    """What runs, what waits, which models are loaded; and the hello."""
    runner.hello.refresh()
    counts = await runner.desk.call(runner.desk.queue.counts)
    running = await runner.desk.call(runner.desk.queue.page, state="running")
    return api.Status(
        hello=msgspec.convert(runner.hello.message, api.Hello),
        pid=os.getpid(),
        started=views.when(runner.started),
        state_dir=os.fsencode(paths.state_dir()).decode("utf-8", "replace"),
        tasks=counts,
        running=[views.task(row) for row in running],
        models=runner.engine.models(),
        memory=psutil.Process().memory_info().rss,
        settings=_settings(runner.live.configuration),
    )


def _settings(found: Configuration) -> api.Settings:
    return api.Settings(
        file=paths.config_file(), since=views.when(found.since), waiting=found.waiting is not None,
        problems=list(found.problems), restart=found.fixed(),
    )  # fmt: skip


@post("/warm", status_code=202)
async def warm(runner: TheRunner, data: Annotated[api.WarmRequest | None, Body()] = None) -> dict[str, Any]:
    """Begin to evaluate, in the background, what tasks of a kind will share (without a kind: to load the manager's
    model); answers at once."""
    return {"v": 1, "model": runner.warm(data or api.WarmRequest())}


HANDLERS = [status, warm]
