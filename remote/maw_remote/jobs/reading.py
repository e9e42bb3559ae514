"""Read what a payload holds: each kind of task checks its own with these."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from maw import change
from maw.change import FileChange
from maw_remote.jobs.interface import BadInput, Json

TITLE_MAX = 200  # characters
TEXT_MAX = 8000  # characters of an instruction


def version(payload: Json, kind: str) -> None:
    """Refuse what a newer client may mean otherwise. Raises BadInput."""
    if payload.get("v") != 1:
        raise BadInput(f"a {kind} payload of version {payload.get('v')!r}; this runner knows version 1")


def title(payload: Json) -> str:
    """What a person sees in the queue. Raises BadInput."""
    return text(payload.get("title", ""), "title")[:TITLE_MAX]


def instruction(payload: Json) -> str:
    """What is asked for this time. Raises BadInput."""
    return text(payload.get("instruction", ""), "instruction")[:TEXT_MAX]


def project(payload: Json, longest: int = TEXT_MAX) -> str:
    """The project's own instructions. Raises BadInput."""
    return text(payload.get("project", ""), "project")[:longest]


def model(payload: Json) -> str:
    """Another model than the role's; empty for that. Raises BadInput."""
    return text(payload.get("model", ""), "model")[:TITLE_MAX]


def fingerprint(payload: Json, keys: Sequence[str]) -> bytes:
    """What stands under these keys."""
    return json.dumps([payload.get(key) for key in keys], sort_keys=True, separators=(",", ":")).encode("ascii")


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


def texts(payload: Json, key: str, most: int, longest: int) -> list[str]:
    """The first `most` texts of the list under `key`, each cut to `longest` characters. Raises BadInput."""
    return [text(one, key)[:longest] for one in items(payload, key)[:most]]


def patch(payload: Json) -> bytes:
    """The diff that a payload carries. Raises BadInput."""
    value = payload.get("diff")
    if not isinstance(value, str):
        raise BadInput("a payload needs `diff`, the patch in base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadInput(f"`diff` is not base64: {exc}") from exc


def files(diff: bytes, skipped: Sequence[str]) -> list[FileChange]:
    """The files of a change, of which the client left out `skipped`. Raises BadInput."""
    try:
        found = change.parse(diff)
    except change.BadPatch as exc:
        raise BadInput(f"the change is not a patch: {exc}") from exc
    if not found and not skipped:
        raise BadInput("the change is empty")
    return found


def skipped(payload: Json, most: int) -> list[str]:
    """The paths whose change the client left out. Raises BadInput."""
    return [text(record(entry, "skipped").get("path"), "skipped.path") for entry in items(payload, "skipped")[:most]]


def record(value: object, key: str) -> Json:
    """`value` when it is an object. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput(f"an entry of `{key}` is not an object")
    return value
