"""`/api/v1/tasks`: submit, look, steer."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.params import Dependency, Parameter

from maw import api
from maw.errors import ApiError
from maw_remote.http import views
from maw_remote.queue.records import FINAL, Row, Submitted
from maw_remote.runner.runner import Runner, priority

TheRunner = Annotated[Runner, Dependency(skip_validation=True)]
# Who asks: the same id for all that one account on one machine sends. It proves nothing, and is only for manners.
ClientId = Annotated[str | None, Parameter(header="Maw-Client", pattern="^[0-9A-Za-z_-]{1,64}$")]
TaskState = Literal["queued", "running", "done", "failed", "cancelled", "dead"]
_JOINED = {200: ResponseSpec(api.Task, description="a task that was there already, which this one joined")}


@post("/tasks", status_code=201, responses=_JOINED)
async def submit(
    data: api.TaskRequest, runner: TheRunner, request: Request[None, None, State], client_id: ClientId = None
) -> Response[api.Task]:
    """Submit a task: 201 for a new one, 200 when it joined a live one or is answered already."""
    size = int(request.headers.get("content-length", "0"))
    return await _submitted(runner, await runner.submit(data, size, client_id or ""))


@get("/tasks")
async def list_tasks(
    runner: TheRunner,
    task_state: Annotated[TaskState | None, Parameter(query="state")] = None,
    kind: str | None = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    before: str | None = None,
) -> api.TaskList:
    """Tasks, newest first, without their results."""
    rows, last_event = await runner.desk.call(
        runner.desk.queue.listing, state=task_state, kind=kind, limit=limit + 1, before=before
    )
    page = rows[:limit]
    return api.TaskList(
        tasks=[views.task(row) for row in page],
        next=page[-1].id if len(rows) > limit else None,
        last_event=last_event,
    )


@get("/tasks/{task_id:str}")
async def get_task(task_id: str, runner: TheRunner) -> api.Task:
    """One task, with its result when it is done. Asking counts as waiting for it."""
    row = known(await runner.desk.call(runner.desk.queue.get, task_id), task_id)
    runner.presence.touch(task_id)
    return await _whole(runner, await runner.watched(task_id) or row)


@patch("/tasks/{task_id:str}")
async def patch_task(task_id: str, data: api.TaskPatch, runner: TheRunner) -> api.Task:
    """Change a live task's priority."""
    number = priority(data.priority)
    row = known(await runner.prioritise(task_id, number), task_id)
    if row.state in FINAL:
        raise ApiError(409, "conflict", f"task {task_id} has ended: {row.state}")
    return views.task(row)


@delete("/tasks/{task_id:str}", status_code=200)
async def cancel_task(
    task_id: str, runner: TheRunner, client_id: ClientId = None, force: bool = False, waiter: bool = True
) -> api.Task:
    """Stop waiting for a task; it is cancelled when nobody is left, or with `force`. With `waiter=false` a person asks
    for all of a client's: what other clients wait for stays as it is."""
    row = known(await runner.cancel(task_id, force=force, waiter=waiter, client=client_id or ""), task_id)
    return await _whole(runner, row)


@post("/tasks/{task_id:str}/retry", status_code=201, responses=_JOINED)
async def retry_task(task_id: str, runner: TheRunner, client_id: ClientId = None) -> Response[api.Task]:
    """Do an ended task's work again, as a new task."""
    submitted = await runner.retry(task_id, client_id or "")
    if submitted is None:
        raise _unknown(task_id)
    return await _submitted(runner, submitted)


def known(row: Row | None, task_id: str) -> Row:
    if row is None:
        raise _unknown(task_id)
    return row


def _unknown(task_id: str) -> ApiError:
    return ApiError(404, "not_found", f"no task {task_id}", hint="`maw queue list --all` shows what is known")


async def _submitted(runner: Runner, submitted: Submitted) -> Response[api.Task]:
    if submitted.joined is None:
        return Response(views.task(submitted.row), status_code=201)
    return Response(await _whole(runner, submitted.row, joined=True), status_code=200)


async def _whole(runner: Runner, row: Row, *, joined: bool = False) -> api.Task:
    result = await runner.desk.call(runner.desk.queue.result, row.seq) if row.state == "done" else None
    return views.task(row, result, joined=joined)


HANDLERS = [submit, list_tasks, get_task, patch_task, cancel_task, retry_task]
