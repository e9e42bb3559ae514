"""Spans of time as people read them."""

from __future__ import annotations

import time

import pytest

from maw.errors import FatalError
from maw.times import clock, moment, until


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


@pytest.mark.parametrize(
    ("text", "days"),
    [("yesterday", 1), ("2 weeks ago", 14), ("1 day ago", 1), ("3.months.ago", 90), ("last week", 7),
     ("Last Year", 365), ("10 days", 10), ("now", 0)],
)  # fmt: skip
def test_words_that_git_users_type(text: str, days: int) -> None:
    assert moment(text, now=1000 * 86400.0) == (1000 - days) * 86400.0


@pytest.mark.parametrize("text", ["weeks ago", "last", "2 fortnights ago", "2 weeks hence"])
def test_words_that_are_no_time(text: str) -> None:
    with pytest.raises(FatalError, match="not a time"):
        moment(text)


def test_clocks_are_those_here() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XXX-2")
        time.tzset()
        assert clock("2026-01-31T23:30:05.000Z") == "01:30:05"
        assert clock("half past nine") == clock("None") == ""
    time.tzset()
