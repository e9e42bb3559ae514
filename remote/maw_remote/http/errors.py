"""Every error leaves the runner in one shape: {"v":1,"error":{"code","message","hint"}}."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException

from maw.errors import ApiError
from maw_remote.engine.interface import EngineError

log = logging.getLogger(__name__)
_CODES = {400: "bad_input", 404: "not_found", 405: "method_not_allowed", 409: "conflict", 413: "too_large", 503: "busy"}
_ENGINE_STATUS = {"model_missing": 404, "too_long": 400, "no_memory": 507, "worker_lost": 503, "worker_hung": 503}


def body(code: str, message: str, hint: str | None = None) -> dict[str, Any]:
    return {"v": 1, "error": {"code": code, "message": message, "hint": hint}}


def api_error(_: Request[Any, Any, Any], exc: ApiError) -> Response[dict[str, Any]]:
    headers = {"retry-after": str(exc.retry_after)} if exc.retry_after is not None else {}
    return Response(body(exc.code, exc.message, exc.hint), status_code=exc.status, headers=headers)


def engine_error(_: Request[Any, Any, Any], exc: EngineError) -> Response[dict[str, Any]]:
    return Response(body(exc.code, exc.message, exc.hint), status_code=_ENGINE_STATUS.get(exc.code, 409))


def http_error(_: Request[Any, Any, Any], exc: HTTPException) -> Response[dict[str, Any]]:
    """Routing and validation: no such path, a malformed body, one that is too large."""
    message = exc.detail
    if isinstance(exc.extra, list) and exc.extra:
        message = "; ".join(f"{item.get('key', 'body')}: {item.get('message')}" for item in exc.extra)
    said = body(_CODES.get(exc.status_code, "http"), message)
    return Response(said, status_code=exc.status_code, headers=exc.headers)  # a 405's Allow, for one


def malformed(_: Request[Any, Any, Any], exc: SerializationException) -> Response[dict[str, Any]]:
    return Response(body("bad_input", f"the body cannot be read: {exc}"), status_code=400)


def not_utf8(_: Request[Any, Any, Any], exc: UnicodeDecodeError) -> Response[dict[str, Any]]:
    """A body's: msgspec raises this one beside its own errors, and Litestar does not expect it."""
    return Response(body("bad_input", f"the body is not UTF-8: {exc.reason}"), status_code=400)


def too_deep(request: Request[Any, Any, Any], exc: RecursionError) -> Response[dict[str, Any]]:
    """A body's: nothing of ours nests as deep as that. Should it be ours all the same, the log tells."""
    log.warning("a body was nested too deeply", exc_info=exc, extra={"path": request.url.path})
    return Response(body("bad_input", "the body is nested too deeply"), status_code=400)


def queue_failed(_: Request[Any, Any, Any], exc: sqlite3.Error) -> Response[dict[str, Any]]:
    """The disk is full, or the file is locked or broken; the desk has logged it. Nothing was taken in."""
    return Response(body("busy", f"the queue cannot be used: {exc}", "see `maw-runner logs` there"), status_code=503)


def defect(request: Request[Any, Any, Any], exc: Exception) -> Response[dict[str, Any]]:
    """What nobody expected: logged here, generic there."""
    log.error("a request failed", exc_info=exc, extra={"method": request.method, "path": request.url.path})
    hint = "`maw-runner logs` on the node has the details; please report them"
    return Response(body("defect", f"a defect in the runner: {type(exc).__name__}", hint), status_code=500)


HANDLERS: Any = {
    ApiError: api_error,
    EngineError: engine_error,
    HTTPException: http_error,
    SerializationException: malformed,
    UnicodeDecodeError: not_utf8,
    RecursionError: too_deep,
    sqlite3.Error: queue_failed,
    Exception: defect,
}
