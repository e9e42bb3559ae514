"""What statistics are made of: tallies of findings, and figures of a group of records. Pure; standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from maw.finding import SEVERITIES, VERDICTS
from maw.memory.dismissals import ACCEPTED, DISMISSED, FIXED

STATUSES = ("reviewed", "incomplete", "unreviewed")  # of reviews
ANSWERS = (ACCEPTED, FIXED, DISMISSED)  # of people, about findings
PERCENTILES = (50, 90, 99)
DAY = 86_400_000  # milliseconds
_EPOCH = date(1970, 1, 1).toordinal()

Json = dict[str, Any]


@dataclass
class Found:
    """Findings, each once, by severity; and the last that people said of them."""

    severities: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.severities.total()

    @property
    def acceptance(self) -> float | None:
        """The share of the answered ones that were right, from 0 to 1; None where none was answered."""
        answered = sum(self.answers[name] for name in ANSWERS)
        return (self.answers[ACCEPTED] + self.answers[FIXED]) / answered if answered else None

    def add_all(self, other: Found) -> None:
        self.severities.update(other.severities)
        self.answers.update(other.answers)

    def add(self, severity: str, answer: str | None) -> None:
        self.severities[severity] += 1
        if answer in ANSWERS:
            self.answers[answer] += 1

    def to_json(self) -> Json:
        return {
            "findings": self.total,
            **{name: self.severities[name] for name in SEVERITIES},
            **{name: self.answers[name] for name in ANSWERS},
            "acceptance": rounded(self.acceptance),
        }


@dataclass
class Times:
    """How long something took, in milliseconds."""

    values: list[int] = field(default_factory=list)

    def percentile(self, share: int) -> int | None:
        """The value that `share` of a hundred do not exceed; None of no values."""
        if not self.values:
            return None
        self.values.sort()  # sorted already, but for what was added since
        return self.values[-(-len(self.values) * share // 100) - 1]  # rounded up

    def to_json(self) -> Json:
        return {f"p{share}": self.percentile(share) for share in PERCENTILES} | {"max": max(self.values, default=None)}


@dataclass
class Figures:
    """A group of records and what they cost. `outcomes`: statuses of suggested messages and of generations, by kind."""

    reviews: Counter[str] = field(default_factory=Counter)  # by status
    verdicts: Counter[str] = field(default_factory=Counter)
    bypassed: int = 0
    found: Found = field(default_factory=Found)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: {"message": Counter(), "generate": Counter()})
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    milliseconds: int = 0  # that nodes spent
    latency: Times = field(default_factory=Times)  # of reviews
    first_token: Times = field(default_factory=Times)

    def add(self, other: Figures) -> None:
        self.reviews.update(other.reviews)
        self.verdicts.update(other.verdicts)
        self.bypassed += other.bypassed
        self.found.add_all(other.found)
        for kind, statuses in other.outcomes.items():
            self.outcomes[kind].update(statuses)
        self.prompt_tokens += other.prompt_tokens
        self.cached_tokens += other.cached_tokens
        self.completion_tokens += other.completion_tokens
        self.milliseconds += other.milliseconds
        self.latency.values.extend(other.latency.values)
        self.first_token.values.extend(other.first_token.values)

    @property
    def reviewed(self) -> int:
        """Reviews that were made, in part at least."""
        return self.reviews["reviewed"] + self.reviews["incomplete"]

    def to_json(self) -> Json:
        return {
            "reviews": self.reviewed,
            **{name: self.reviews[name] for name in STATUSES},
            "verdicts": {name: self.verdicts[name] for name in VERDICTS},
            "bypassed": self.bypassed,
            **self.found.to_json(),
            "messages": dict(sorted(self.outcomes["message"].items())),
            "generations": dict(sorted(self.outcomes["generate"].items())),
            "tokens": {
                "prompt": self.prompt_tokens, "cached": self.cached_tokens, "completion": self.completion_tokens,
            },
            "seconds": self.milliseconds / 1000,
            "latency_ms": self.latency.to_json(),
            "first_token_ms": self.first_token.to_json(),
        }  # fmt: skip


class Place(NamedTuple):
    """A file or a folder (its name ends in a slash): the reviewed commits that changed it, and what was found there."""

    commits: int
    found: Found


def week(days: int) -> str:
    """The Monday of the week of a day since 1970: `2026-01-26`."""
    return date.fromordinal(max(_EPOCH + days - (days + 3) % 7, 1)).isoformat()  # 1970 began on a Thursday


def weeks_between(first: str, last: str, most: int) -> Sequence[str]:
    """All Mondays from one to another; none where there are more than `most`: a record may claim any time."""
    begin, end = date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal()
    if (end - begin) // 7 >= most:
        return ()
    return [date.fromordinal(day).isoformat() for day in range(begin, end + 1, 7)]


def rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
