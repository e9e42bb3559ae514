"""Read what a payload holds: each kind of task checks its own with these."""

from __future__ import annotations

from typing import Any

from maw_remote.jobs.interface import BadInput, Json


def items(payload: Json, key: str) -> list[Any]:
    """The list under `key`, an empty one where there is none. Raises BadInput."""
    value = payload.get(key, [])
    if not isinstance(value, list):
        raise BadInput(f"`{key}` is not a list")
    return value


def text(value: object, key: str) -> str:
    """`value` when it is text. Raises BadInput, which names `key`."""
    if not isinstance(value, str):
        raise BadInput(f"`{key}` is not text")
    return value
