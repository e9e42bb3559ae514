"""By how much the memory that a loaded model holds differed from its estimate: kept for the next time.

One small file; without it every model is a new one. Differences are kept by model (its file's checksum) and settings.
"""

from __future__ import annotations

import json
import os
from typing import Any

from maw import paths
from maw.files import read_optional, write_atomic
from maw_remote.engine.estimate import Parts, Plan

_MODELS_MAX = 200  # the oldest are forgotten


class Learned:
    def __init__(self, path: str | None = None) -> None:
        self._path = path or os.path.join(paths.state_dir(), "memory.json")
        self._differences: dict[str, dict[str, int]] = _read(self._path)

    def known(self, sha256: str) -> bool:
        """Whether this model was measured before."""
        return sha256 in self._differences

    def correct(self, sha256: str, plan: Plan, parts: Parts) -> Parts:
        """The estimate, corrected by what was measured with these settings, or with others of this model."""
        known = self._differences.get(sha256)
        if not known:
            return parts
        difference = known.get(_settings(plan), list(known.values())[-1])
        return parts._replace(process=max(parts.process + difference, 0))

    def learn(self, sha256: str, plan: Plan, parts: Parts, measured: int) -> None:
        """`parts` is the uncorrected estimate; `measured` what the worker holds, which is not the room for prefixes
        that it may still fill. Raises OSError."""
        known = self._differences.pop(sha256, {})
        known.pop(_settings(plan), None)
        known[_settings(plan)] = measured - (parts.total - parts.prefixes)
        self._differences[sha256] = known
        while len(self._differences) > _MODELS_MAX:
            del self._differences[next(iter(self._differences))]
        paths.make_private_dir(os.path.dirname(self._path))
        write_atomic(self._path, json.dumps({"v": 1, "differences": self._differences}).encode("ascii"))


def _settings(plan: Plan) -> str:
    return f"{plan.cells}:{plan.sequences}:{plan.kv}:{'gpu' if plan.gpu else 'cpu'}"


def _read(path: str) -> dict[str, dict[str, int]]:
    """What the file tells; nothing when it is damaged: it is made anew."""
    try:
        found: Any = json.loads(read_optional(path) or b"{}")
        return {
            str(model): {str(key): int(value) for key, value in known.items()}
            for model, known in found.get("differences", {}).items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
