"""What a node answers, checked before anything is made of it: it may run another version, or want to do harm.

For commands; the hook path has no msgspec and reads what it needs by itself (maw/review/outcome.py).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from maw import client
from maw.errors import NodeError

Json = dict[str, Any]
Shape = TypeVar("Shape", bound=msgspec.Struct)


def ask(
    node: str, method: str, path: str, shape: type[msgspec.Struct], body: Json | None = None, *, timeout: float = 30.0
) -> Json:
    """client.request, whose answer has the shape of this struct of maw.api. Raises NodeError and ApiError."""
    return checked(node, client.request(node, method, path, body, timeout=timeout), shape)


def typed(node: str, method: str, path: str, shape: type[Shape], *, timeout: float = 30.0) -> Shape:
    """client.request, whose answer is this struct of maw.api. Raises NodeError and ApiError."""
    return converted(node, client.request(node, method, path, timeout=timeout), shape)


def checked(node: str, answer: Any, shape: type[msgspec.Struct]) -> Json:
    """`answer` as it is, with all that `shape` asks for. Raises NodeError for any other."""
    converted(node, answer, shape)
    found: Json = answer
    return found


def converted(node: str, answer: Any, shape: type[Shape]) -> Shape:
    """`answer` as this struct. Raises NodeError when it is none."""
    try:
        return msgspec.convert(answer, shape)
    except (msgspec.ValidationError, RecursionError, OverflowError) as exc:
        raise NodeError(
            "version",
            f"{node} gave an answer that this maw does not understand: {exc}",
            hint=f"install the same version of git-maw on {node} and here",
        ) from exc
