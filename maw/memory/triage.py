"""Findings across commits, with the last that people said of each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from maw.finding import SEVERITIES, Finding
from maw.memory import listing, telling
from maw.memory.dismissals import of_record
from maw.memory.index import Index, record_of
from maw.memory.query import Filters, Row

OPEN = "open"  # nobody said anything of it
AT_ONCE = 200  # reviews read in one go


class Word(NamedTuple):
    """What was said of a finding; `reason` and `by` may be empty."""

    status: str
    reason: str = ""
    by: str = ""


class Item(NamedTuple):
    """A finding, the newest review that tells of it, and what was said of it, wherever that was."""

    finding: Finding
    row: Row
    word: Word


def words(index: Index) -> dict[str, Word]:
    """The last word about each finding."""
    found = {}
    for _, data in index.feedback():
        about = of_record(data)
        if about is not None:
            found[about.finding.id] = Word(str(data["status"]), about.reason, about.by)
    return found


def numbers(index: Index, filters: Filters) -> array[int]:
    """The reviews that have findings, newest first, for `items`."""
    severity = filters.severity or SEVERITIES[0]
    return index.numbers(filters._replace(kind="review", severity=severity, leading=False))


def items(index: Index, reviews: Iterable[int], said: dict[str, Word], severity: str | None = None) -> Iterator[Item]:
    """The findings of these reviews from `severity` on, each once, on the newest review that tells of it."""
    seen: set[str] = set()
    least = SEVERITIES.index(severity or SEVERITIES[0])
    wanted = list(reviews)
    for at in range(0, len(wanted), AT_ONCE):
        for row in listing.rows(index, wanted[at : at + AT_ONCE]):
            for finding in telling.findings_of(record_of(row))[0]:
                if finding.id not in seen and SEVERITIES.index(finding.severity) >= least:
                    seen.add(finding.id)
                    yield Item(finding, row, said.get(finding.id, Word(OPEN)))
