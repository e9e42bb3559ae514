"""Errors as OpenAI's clients read them: {"error":{"message","type","param","code"}}."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from maw_remote.engine.interface import EngineError

log = logging.getLogger(__name__)
Json = dict[str, Any]

_STATUS = {
    "model_missing": 404, "too_long": 400, "unsupported": 400, "bad_grammar": 400,
    "public_server": 403, "no_key": 502, "bad_answer": 502, "server_refused": 502, "server_failed": 502,
}  # fmt: skip
_CODES = {"model_missing": "model_not_found", "too_long": "context_length_exceeded"}


class Refused(Exception):
    """A request that cannot be answered. `param` names the part of it that is why."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


def body(message: str, *, status: int, param: str | None = None, code: str | None = None) -> Json:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def of_engine(exc: EngineError) -> tuple[int, Json]:
    """The status and body of an engine's error."""
    status = _STATUS.get(exc.code, 503 if exc.retry else 400)
    message = f"{exc.message}; {exc.hint}" if exc.hint else exc.message
    param = "model" if exc.code == "model_missing" else None
    return status, body(message, status=status, param=param, code=_CODES.get(exc.code, exc.code))


def refused(_: Request[Any, Any, Any], exc: Refused) -> Response[Json]:
    return Response(body(exc.message, status=exc.status, param=exc.param, code=exc.code), status_code=exc.status)


def engine_error(_: Request[Any, Any, Any], exc: EngineError) -> Response[Json]:
    status, said = of_engine(exc)
    headers = {"retry-after": str(max(1, round(exc.retry_after)))} if exc.retry_after is not None else None
    return Response(said, status_code=status, headers=headers)


def http_error(_: Request[Any, Any, Any], exc: HTTPException) -> Response[Json]:
    """A body that is too large, a method that a path does not have."""
    return Response(body(exc.detail, status=exc.status_code), status_code=exc.status_code, headers=exc.headers)


def defect(request: Request[Any, Any, Any], exc: Exception) -> Response[Json]:
    """What nobody expected: logged here, generic there."""
    log.error("a request failed", exc_info=exc, extra={"method": request.method, "path": request.url.path})
    said = body(f"a defect in the runner: {type(exc).__name__}", status=500, code="defect")
    return Response(said, status_code=500)


HANDLERS: Any = {Refused: refused, EngineError: engine_error, HTTPException: http_error, Exception: defect}
