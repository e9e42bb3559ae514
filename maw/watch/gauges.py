"""What a node has loaded and holds, at one moment."""

from __future__ import annotations

from typing import NamedTuple

from maw import answers, api
from maw.errors import ApiError
from maw.watch.persistent import there

TIMEOUT = 10.0  # seconds


class Gauges(NamedTuple):
    """`ledger` is None where the runner keeps none."""

    node: str
    status: api.Status
    ledger: api.Ledger | None


def read(node: str) -> Gauges:
    """Raises NodeError and ApiError."""
    there(node)
    status = answers.typed(node, "GET", "/api/v1/status", api.Status, timeout=TIMEOUT)
    try:
        ledger = answers.typed(node, "GET", "/api/v1/ledger", api.Ledger, timeout=TIMEOUT)
    except ApiError as exc:
        if exc.status != 404:
            raise
        ledger = None
    return Gauges(node, status, ledger)
