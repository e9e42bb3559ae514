"""Findings across commits, with the last that people said of each: where all of them stand at once, and what they say
where somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from maw.finding import SEVERITIES, Finding
from maw.memory import listing, query, telling
from maw.memory.dismissals import of_record
from maw.memory.index import Index, record_of
from maw.memory.query import Filters, Row
from maw.text import one_line

OPEN = "open"  # nobody said anything of it


class Place(NamedTuple):
    """A finding in the newest review that tells of it: the record's number in the index, and the finding's id."""

    number: int
    finding: str


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


def reviews(filters: Filters) -> Filters:
    """Of which reviews `places` is to be asked."""
    severity = filters.severity or SEVERITIES[0]
    return filters._replace(kind="review", severity=severity, leading=False)


def places(index: Index, numbers: Sequence[int], filters: Filters, status: str | None = None) -> Iterator[Place]:
    """The findings of these reviews that fit, each once, in the order of the reviews; `status`: `open`, or what was
    said last of those that are wanted. A filter of reviews says only that one of their findings fits."""
    last: dict[str, str] = dict(index.tuples(query.LAST_WORDS)) if status is not None else {}
    seen: set[str] = set()
    for part in listing.parts(numbers):
        saying = _saying(index, part, filters.text) if filters.text is not None else None
        for place in _in_reviews(index, part, filters):
            if place.finding in seen or (saying is not None and place not in saying):
                continue
            seen.add(place.finding)
            if status in (None, last.get(place.finding, OPEN)):
                yield place


def items(index: Index, wanted: Sequence[Place]) -> list[Item | None] | None:
    """What stands at these places, in their order: None for a finding that cannot be read, as a stranger wrote it.
    None for all of them when some are gone, since the index changed meanwhile."""
    numbers = list(dict.fromkeys(place.number for place in wanted))
    rows = listing.numbered(index, numbers)
    if len(rows) < len(numbers):
        return None
    said = _words(index, [place.finding for place in wanted])
    found = {
        Place(number, finding.id): Item(finding, row, said.get(finding.id, Word(OPEN)))
        for number, row in rows.items()
        for finding in telling.findings_of(record_of(row))[0]
    }
    return [found.get(place) for place in wanted]


def _in_reviews(index: Index, numbers: Sequence[int], filters: Filters) -> Iterator[Place]:
    """The findings of some reviews by severity and path, in the order of the reviews, and in each of its change."""
    asked = query.findings_of(numbers, filters)
    found: dict[int, list[Place]] = {}
    for place in map(Place._make, index.tuples(asked)):
        found.setdefault(place.number, []).append(place)
    for number in numbers:
        yield from found.get(number, ())


def _saying(index: Index, numbers: Sequence[int], text: str) -> set[Place]:
    """Those of the reviews' findings that have the text in what they say, or in their commit's subject."""
    wanted, found = text.casefold(), set()
    for number, row in listing.numbered(index, numbers).items():
        for finding in telling.findings_of(record_of(row))[0]:
            said = (finding.path, finding.category, finding.title, finding.scenario, finding.suggestion, finding.quote)
            if wanted in "\n".join((*said, row.subject)).casefold():
                found.add(Place(number, finding.id))
    return found


def _words(index: Index, findings: Iterable[str]) -> dict[str, Word]:
    """The last word about each of these."""
    found = {}
    for data in listing.feedback(index, list(findings)):
        about = of_record(data)
        if about is not None:
            found[about.finding.id] = Word(one_line(str(data["status"])), about.reason, about.by)
    return found
