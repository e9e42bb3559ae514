"""Count what the index has: a few questions to it, and one pass over the answers of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from maw.finding import SEVERITIES, VERDICTS
from maw.memory import query
from maw.memory.index import Index
from maw.memory.query import Filters
from maw.stats.figures import DAY, STATUSES, Figures, Found, Json, Place, week, weeks_between
from maw.text import one_line

WEEKS_MAX = 1040  # weeks without anything in them are shown between others, in so many at most
NAME_MAX = 120  # characters of a category, author or model


@dataclass
class Statistics:
    """Figures of everything that fits, and by group. Groups are in the order in which people want them: weeks by time,
    severities the worst first, others the largest first."""

    total: Figures = field(default_factory=Figures)
    weeks: dict[str, Figures] = field(default_factory=dict)  # by their Monday
    categories: dict[str, Found] = field(default_factory=dict)
    severities: dict[str, Found] = field(default_factory=dict)
    authors: dict[str, Figures] = field(default_factory=dict)  # `Name <email>`
    models: dict[str, Figures] = field(default_factory=dict)
    paths: dict[str, Place] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {
            "v": 1,
            "total": self.total.to_json(),
            "weeks": [{"week": name, **figures.to_json()} for name, figures in self.weeks.items()],
            "categories": [{"category": name, **found.to_json()} for name, found in self.categories.items()],
            "severities": [{"severity": name, **found.to_json()} for name, found in self.severities.items()],
            "authors": [{"author": name, **figures.to_json()} for name, figures in self.authors.items()],
            "models": [{"model": name, **figures.to_json()} for name, figures in self.models.items()],
            "paths": [
                {"path": name, "commits": place.commits, **place.found.to_json()} for name, place in self.paths.items()
            ],
        }


def gather(index: Index, filters: Filters, *, commits: bool = True) -> Statistics:
    """Count everything that fits. The index is asked as it is: refresh it first. Raises FatalError.

    `commits`: count those of each path, too, which takes as long as the rest together.

    Each record counts once, on the newest of the commits that it stands on, and a generation once, in however many
    commits its files are; a finding counts once, with the review that told of it first; what a run on a node cost
    counts once, however many records tell of it.
    """
    counting = _Counting(filters)
    counting.take_runs(index.tuples(query.runs(filters), filters.commits))
    last_words = dict(index.tuples(query.LAST_WORDS))
    counting.take_findings(index.tuples(query.findings(filters), filters.commits), last_words)
    if commits:
        counting.take_paths(index.tuples(query.reviewed_paths(filters), filters.commits))
    return counting.done()


class _Counting:
    """What belongs to the same week, author and model is counted in one place, and those are added up at the end."""

    def __init__(self, filters: Filters) -> None:
        self._below = _folder(filters.path)
        self._seen: set[str] = set()  # runs
        self._generations: set[str] = set()
        self._cells: dict[tuple[int, str, str | None], Figures] = defaultdict(Figures)
        self._categories: dict[str, Found] = defaultdict(Found)
        self._severities: dict[str, Found] = {name: Found() for name in reversed(SEVERITIES)}
        self._places: dict[str, Found] = defaultdict(Found)
        self._commits: dict[str, set[int]] = defaultdict(set)

    def take_runs(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for kind, status, verdict, bypassed, author, model, time, run, generation, *costs in rows:
            cell = self._cells[time // DAY, author, model]
            first = run is None or run not in self._seen
            if kind == "review" and status in STATUSES:
                _count_review(cell, status, verdict, bypassed)
            elif kind == "message" or (kind == "generate" and generation not in self._generations):
                cell.outcomes[kind][_name(status)] += 1
                self._generations.add(generation)
            if first:
                _count_costs(cell, kind, costs)
                self._seen.add(run)

    def take_findings(self, rows: Iterable[tuple[Any, ...]], answers: dict[str, str]) -> None:
        told: dict[str, tuple[Any, ...]] = {}
        for row in rows:
            if row[1] in SEVERITIES:
                told.setdefault(row[0], row)
        for finding, severity, category, path, author, model, time in told.values():
            for found in (
                self._cells[time // DAY, author, model].found,
                self._categories[_name(category)],
                self._severities[severity],
                self._places[self._part(path)],
            ):
                found.add(severity, answers.get(finding))

    def take_paths(self, rows: Iterable[tuple[str, int]]) -> None:
        for path, note in rows:
            self._commits[self._part(path)].add(note)

    def done(self) -> Statistics:
        made = Statistics(
            categories=_ordered(self._categories, lambda found: (found.total,)),
            severities=self._severities,
            paths=_ordered(self._paths(), lambda place: (place.found.total, place.commits)),
        )
        weeks, authors, models = (defaultdict[str, Figures](Figures) for _ in range(3))
        for (day, author, model), cell in self._cells.items():
            for group in (made.total, weeks[week(day)], authors[_name(author)]):
                group.add(cell)
            if model:  # what no model made is in no model's figures
                models[_name(model)].add(cell)
        made.weeks = _whole(weeks)
        made.authors, made.models = (
            _ordered(groups, lambda figures: (figures.reviewed, figures.found.total)) for groups in (authors, models)
        )
        return made

    def _paths(self) -> dict[str, Place]:
        named = {*self._commits, *self._places}
        return {name: Place(len(self._commits[name]), self._places[name]) for name in named}

    def _part(self, path: str) -> str:
        """The file or folder right below the one that was asked for."""
        if not path.startswith(self._below):
            return one_line(path)  # the one file that was asked for
        head, slash, _ = path[len(self._below) :].partition("/")
        return one_line(self._below + head + slash)


def _count_review(group: Figures, status: str, verdict: str | None, bypassed: int) -> None:
    group.reviews[status] += 1
    group.bypassed += bypassed
    if status != "unreviewed" and verdict in VERDICTS:
        group.verdicts[verdict] += 1


def _count_costs(group: Figures, kind: str, costs: Sequence[int | None]) -> None:
    prompt, cached, completion, first, elapsed = costs
    group.prompt_tokens += prompt or 0
    group.cached_tokens += cached or 0
    group.completion_tokens += completion or 0
    group.milliseconds += elapsed or 0
    if kind == "review" and first is not None:
        group.first_token.values.append(first)
    if kind == "review" and elapsed is not None:
        group.latency.values.append(elapsed)


def _whole(weeks: dict[str, Figures]) -> dict[str, Figures]:
    """The weeks in order, also those between them in which nothing was recorded."""
    named = sorted(weeks)
    if named:
        named = sorted({*named, *weeks_between(named[0], named[-1], WEEKS_MAX)})
    return {name: weeks.get(name) or Figures() for name in named}


def _ordered(groups: dict[str, Any], size: Any) -> dict[str, Any]:
    """The largest first; those of one size by name."""
    return dict(sorted(groups.items(), key=lambda item: (*(-part for part in size(item[1])), item[0])))


def _name(text: str) -> str:
    return one_line(text)[:NAME_MAX]


def _folder(path: str | None) -> str:
    """The folder whose parts are told apart; the repository's top where no one folder was asked for."""
    if path is None or any(char in path for char in "*?["):
        return ""
    return path.strip("/") + "/"
