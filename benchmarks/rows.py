"""One figure of a benchmark."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`budget` is text as docs and issues give it ('≤ 80'), '' where there is none; `ok` is None when nothing
    was promised. A benchmark module's `run() -> list[Row]` measures and judges; the frame prints."""

    name: str
    measured: float
    budget: str
    unit: str
    ok: bool | None
