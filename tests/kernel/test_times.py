"""Spans of time as people read them."""

from __future__ import annotations

import pytest

from maw.times import until


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (3600.0, "in 1h"),
        (3599.2, "in 59m"),
        (7300.0, "in 2h"),
        (59.9, "in 59s"),
        (1.0, "in 1s"),
        (0.4, "now"),
        (-3.0, "now"),
    ],
)
def test_how_soon_is_told_in_its_largest_unit(seconds: float, told: str) -> None:
    assert until(seconds) == told
