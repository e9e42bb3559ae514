"""What is known of servers from asking them before. Kept in a file: a runner that starts again need not ask, and a
profile does not change by forgetting."""

from __future__ import annotations

import json
import os
from typing import NamedTuple, cast

from maw import files, paths
from maw_remote.engine.openai.asking import Shape

_SHAPES = ("grammar", "json", "plain")


class Known(NamedTuple):
    """`fingerprint`: what the server calls its model and settings by; '' where it does not say."""

    shape: Shape | None = None
    fingerprint: str = ""
    context: int = 0


class Memory:
    """`Known` by server and model. A file that cannot be used is forgotten."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path or os.path.join(paths.runner_dir(), "servers.json")
        self._known: dict[str, Known] | None = None

    def get(self, url: str, model: str) -> Known:
        return self._all().get(_key(url, model), Known())

    def put(self, url: str, model: str, known: Known) -> None:
        """Remember; a new fingerprint voids what the old one could do."""
        before = self.get(url, model)
        if known.fingerprint != before.fingerprint and before.fingerprint and known.shape == before.shape:
            known = known._replace(shape=None)
        if known == before:
            return
        self._all()[_key(url, model)] = known
        data = {key: one._asdict() for key, one in self._all().items()}
        paths.make_private_dir(os.path.dirname(self._path))
        files.write_atomic(self._path, json.dumps({"v": 1, "servers": data}, indent=1).encode("ascii"))

    def _all(self) -> dict[str, Known]:
        if self._known is None:
            self._known = _read(files.read_optional(self._path) or b"{}")
        return self._known


def _key(url: str, model: str) -> str:
    return f"{url} {model}"


def _read(data: bytes) -> dict[str, Known]:
    try:
        servers = json.loads(data).get("servers", {})
        return {str(key): _known(one) for key, one in servers.items()}
    except (ValueError, AttributeError, TypeError, KeyError):
        return {}


def _known(one: dict[str, object]) -> Known:
    shape = one["shape"] if one["shape"] in _SHAPES else None
    context = one["context"] if isinstance(one["context"], int) else 0
    return Known(cast("Shape | None", shape), str(one["fingerprint"]), max(context, 0))
