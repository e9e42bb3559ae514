"""The HTTP API, put together from its routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request, Router, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from maw import __version__
from maw_remote.http import errors as http_errors
from maw_remote.http import events as routes_events
from maw_remote.http import node as routes_node
from maw_remote.http import tasks as routes_tasks
from maw_remote.http.description import described
from maw_remote.http.v1 import routes as routes_v1
from maw_remote.runner.runner import Runner


@get("/openapi.json", include_in_schema=False)
async def openapi(request: Request[Any, Any, Any], runner: routes_tasks.TheRunner) -> dict[str, Any]:
    """The API's own description. (Litestar's router for it would answer unknown paths beside it with HTML.)"""
    return described(request.app.openapi_schema.to_schema(), sorted(runner.jobs))


def create(runner: Runner, routes: Sequence[Any] = ()) -> Litestar:
    """The ASGI application. `routes` are further handlers below /api/v1 (the models')."""
    handlers = [*routes_tasks.HANDLERS, *routes_events.HANDLERS, *routes_node.HANDLERS, openapi, *routes]
    return Litestar(
        route_handlers=[Router(path="/api/v1", route_handlers=handlers), routes_v1.router()],
        dependencies={"runner": Provide(lambda: runner, sync_to_thread=False)},
        exception_handlers=http_errors.HANDLERS,
        request_max_body_size=runner.settings.max_body,
        openapi_config=OpenAPIConfig(
            title="maw runner", version=__version__, path="/openapi", use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
    )  # fmt: skip
