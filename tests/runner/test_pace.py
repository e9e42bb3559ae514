"""When a refused client is told to come again."""

from __future__ import annotations

from maw_remote.runner.pace import FIRST, LAST, UNKNOWN, Pace


def test_by_the_mean_time_and_what_waits() -> None:
    pace = Pace()
    assert pace.wait(64, 4) == UNKNOWN
    pace.took(2.0)
    assert [pace.wait(waiting, 4) for waiting in (1, 2, 3, 12, 64)] == [1, 1, 2, 6, 32]
    assert pace.wait(1000) == LAST
    for _ in range(50):
        pace.took(0.01)
    assert pace.wait(64, 4) == FIRST
    assert pace.wait(64, 0) <= LAST  # a model that is not there works on nothing at once


def test_old_times_count_less() -> None:
    pace = Pace()
    for seconds in (10.0, *[1.0] * 20):
        pace.took(seconds)
    assert pace.wait(10) in (11, 12)
