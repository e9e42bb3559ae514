"""The API's description for machines, made true: every operation's errors, and their one shape.

Litestar describes what handlers take and give. What it says of errors is what it would answer by itself, which never
leaves here (errors.py), and of the others it knows nothing.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_ERROR: Json = {
    "type": "object",
    "title": "Error",
    "required": ["v", "error"],
    "properties": {
        "v": {"const": 1},
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "hint": {"type": ["string", "null"]},
            },
        },
    },
}
_WHY = {
    "400": "malformed, of a wrong type, or nothing this runner can work on",
    "403": "who has the model does not give it to us",
    "404": "no such task or model",
    "409": "not in the state it is in",
    "413": "the body is too large",
    "500": "a defect of the runner, logged there",
    "502": "the model could not be fetched whole",
    "503": "busy, or a model's worker was lost: try again",
    "507": "no room for it on the node's disk, or in its memory",
}
_ALWAYS = ("400", "500", "503")
_OF_MODELS = ("403", "502", "507")


def described(document: Json, kinds: list[str]) -> Json:
    """The OpenAPI document `document`, changed in place: with the errors of each operation, and the kinds of tasks."""
    schemas = document["components"]["schemas"]
    schemas["Error"] = _ERROR
    schemas["TaskRequest"]["properties"]["kind"]["enum"] = kinds
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["responses"] |= {status: _answer(status) for status in _statuses(path, method)}
    return document


def _statuses(path: str, method: str) -> list[str]:
    """The errors an operation may answer with."""
    found = list(_ALWAYS)
    if "{" in path:
        found.append("404")
    if method != "get":
        found += ["409", "413"]
    if "/models/" in path:
        found += _OF_MODELS
    return sorted(found)


def _answer(status: str) -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": _WHY[status], "content": content}
