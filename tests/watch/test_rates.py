"""Tokens a second."""

from __future__ import annotations

import pytest

from maw.watch.rates import Meter


def test_a_steady_stream_has_its_rate_and_falls_to_nothing_after_its_end() -> None:
    meter = Meter(window=3)
    for tick in range(200):  # 20 a second, for 10 s
        meter.add(tick / 20, 1)
    assert meter.rate(10) == pytest.approx(20, abs=1)
    assert 0 < meter.rate(12) < 10
    assert meter.rate(13) == 0


def test_what_has_just_begun_is_reckoned_by_the_time_it_took_and_a_second_at_least() -> None:
    meter = Meter(window=3)
    meter.add(100.0, 8)
    assert meter.rate(100.1) == 8  # not 80: a burst tells no rate
    meter.add(101.0, 12)
    assert meter.rate(102) == 10
    meter.add(110.0, 4)  # after a silence it begins anew
    assert meter.rate(110.5) == 4


def test_nothing_is_no_rate() -> None:
    assert Meter().rate(5) == 0
