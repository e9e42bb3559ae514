"""The plots of statistics by week, as data: for the picture and for the terminal UI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from maw.finding import SEVERITIES, VERDICTS
from maw.stats.figures import PERCENTILES, Figures
from maw.stats.gather import Statistics

# What a colour means; whoever draws has one for each.
GOOD, WARN, ODD, BAD, FAINT, PLAIN = LOOKS = ("good", "warn", "odd", "bad", "faint", "plain")


class Series(NamedTuple):
    """One colour of a plot, a value a week. None is a gap."""

    name: str
    look: str
    values: Sequence[float | None]


class Plot(NamedTuple):
    """`stacked`: values are parts of a whole, one upon the other; else each stands for itself. `top`: where the scale
    ends; None: where the values do."""

    title: str
    weeks: Sequence[str]
    series: list[Series]
    stacked: bool = True
    top: float | None = None

    @property
    def scale(self) -> float:
        """The value at the upper end."""
        together = sum if self.stacked else max
        columns = zip(*(one.values for one in self.series), strict=True)
        return self.top or nice(max((together(value or 0 for value in column) for column in columns), default=0))


def by_week(statistics: Statistics, most: int) -> list[Plot]:
    """All of them, over the newest `most` weeks."""
    weeks = list(statistics.weeks)[-most:]
    figures = [statistics.weeks[name] for name in weeks]

    def series(name: str, look: str, value: Callable[[Figures], float | None]) -> Series:
        return Series(name, look, [value(one) for one in figures])

    verdicts = [series(name, look, _verdict(name)) for name, look in zip(VERDICTS, (GOOD, WARN, ODD, BAD), strict=True)]
    severities = [
        series(name, look, _severity(name)) for name, look in zip(SEVERITIES, (FAINT, PLAIN, WARN, BAD), strict=True)
    ]
    latency = [
        series(f"{share}%", look, _latency(share)) for share, look in zip(PERCENTILES, (GOOD, WARN, BAD), strict=True)
    ]
    tokens = [
        series("read", PLAIN, lambda one: one.prompt_tokens),
        series("written", ODD, lambda one: one.completion_tokens),
    ]
    minutes = [series("minutes", PLAIN, lambda one: one.milliseconds / 60_000)]
    accepted = [series("accepted or fixed", GOOD, lambda one: _times(one.found.acceptance, 100))]
    return [
        Plot("Reviews a week", weeks, verdicts),
        Plot("Findings a week", weeks, severities),
        Plot("Seconds a review", weeks, latency, stacked=False),
        Plot("Accepted findings, %", weeks, accepted, stacked=False, top=100.0),
        Plot("Tokens a week", weeks, tokens),
        Plot("Minutes on nodes a week", weeks, minutes),
    ]


def _verdict(name: str) -> Callable[[Figures], float]:
    return lambda one: one.verdicts[name]


def _severity(name: str) -> Callable[[Figures], float]:
    return lambda one: one.found.severities[name]


def _latency(share: int) -> Callable[[Figures], float | None]:
    return lambda one: _times(one.latency.percentile(share), 0.001)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def nice(value: float) -> float:
    """The round number at or above it that a scale may end at: 1, 2 or 5 with zeros; 1 for nothing."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size < value:
        size *= 10
    while size / 10 >= value:
        size /= 10
    return next(size / part for part in (5, 2, 1) if size / part >= value)
