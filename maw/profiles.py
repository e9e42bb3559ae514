"""The profiles that each node named last: what determines its answers, a hash for each kind of task. Standard library
only (hook path).

One file a node, <state>/profiles/<node>.json. It is a hint, by which known answers are found; whether it still holds
is asked of a node that can be asked (review/current.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import re

from maw import files, paths
from maw.light import Any

_SIZE_MAX = 64 * 1024  # bytes
_HASH = r"[0-9a-f]{8,64}\Z"


def remember(node: str, named: object) -> None:
    """Keep what a node named (a hello's `profiles`, or one of a task); nothing hangs on whether that succeeds."""
    if not isinstance(named, dict):
        return
    good = {kind: value for kind, value in named.items() if isinstance(kind, str) and usable(value)}
    known = _read(node)
    if good.items() <= known.items():
        return
    with contextlib.suppress(OSError):
        path = _path(node)
        paths.make_private_dir(os.path.dirname(path))
        files.write_atomic(path, json.dumps(known | good, sort_keys=True).encode("ascii"))


def last(node: str, kind: str) -> str | None:
    """The profile that `node` named last for a kind of task."""
    return _read(node).get(kind)


def usable(value: object) -> bool:
    """Whether it is a hash, and not something else that a node said."""
    return isinstance(value, str) and re.match(_HASH, value) is not None


def _path(node: str) -> str:
    return os.path.join(paths.state_dir(), "profiles", f"{paths.checked_node_name(node)}.json")


def _read(node: str) -> dict[str, Any]:
    try:
        found = json.loads(files.read_bounded(_path(node), limit=_SIZE_MAX) or b"{}")
    except (ValueError, OSError, RecursionError):
        return {}
    return {kind: value for kind, value in found.items() if usable(value)} if isinstance(found, dict) else {}
