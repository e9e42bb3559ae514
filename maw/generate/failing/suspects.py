"""Which definitions a failure is about: those around the places that its output names, and what a failing test uses.

A failed assertion names the test only, and the test is seldom what is wrong: so what it calls is looked up in the
repository's map. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from maw.generate.failing.locate import Place
from maw.generate.failing.places import NOTE
from maw.generate.testing.frameworks import is_test
from maw.repomap import context
from maw.repomap.build import Snapshot
from maw.repomap.context import TagsOf
from maw.repomap.tags import Definition, Tags, enclosing

FILES_MAX = 8  # that are looked at closely; more would say nothing any more
USED_MAX = 12  # definitions that a failing test uses
_AROUND = 12  # lines before and after a place that is in no definition


class Suspect(NamedTuple):
    """A file and the lines of it (from, to; from 1) that the failure is about, the most telling first."""

    path: str
    lines: tuple[tuple[int, int], ...]


class Suspects(NamedTuple):
    """`code`: what may be wrong; `tests`: what says so. Each has the most telling file first."""

    code: tuple[Suspect, ...]
    tests: tuple[Suspect, ...]


def find(places: Sequence[Place], snapshot: Snapshot, tags_of: TagsOf) -> Suspects:
    """Notes and warnings count only where nothing else is named."""
    telling = [place for place in places if place.kind != NOTE] or list(places)
    found: dict[str, dict[tuple[int, int], None]] = {}
    for place in telling:
        tags = tags_of(place.path) if place.path in snapshot.files else Tags([], {})
        span = _span(place, tags)
        found.setdefault(place.path, {}).update({span: None} if span else {})
    for path, definition in _used(telling, snapshot, tags_of):
        found.setdefault(path, {})[definition.line, definition.end] = None
    suspects = [Suspect(path, tuple(spans)) for path, spans in found.items()]
    code = tuple(one for one in suspects if not is_test(one.path))
    return Suspects(code[:FILES_MAX], tuple(one for one in suspects if is_test(one.path))[:FILES_MAX])


def _span(place: Place, tags: Tags) -> tuple[int, int] | None:
    """The innermost definition around a place, or the test that it names, or some lines."""
    definition = _definition(place, tags)
    if definition is not None:
        return definition.line, definition.end
    return (max(1, place.line - _AROUND), place.line + _AROUND) if place.line is not None else None


def _definition(place: Place, tags: Tags) -> Definition | None:
    if place.line is not None:
        at = enclosing(tags, place.line)
        return tags.definitions[at] if at >= 0 else None
    last = place.symbol.replace("::", ".").rpartition(".")[2]
    return next((each for each in tags.definitions if last and each.name == last), None)


def _used(places: Iterable[Place], snapshot: Snapshot, tags_of: TagsOf) -> list[tuple[str, Definition]]:
    """What the failing tests use, and what is used at lines outside of any definition; but for tests."""
    found: dict[tuple[str, int], tuple[str, Definition]] = {}
    for place in places:
        user = _user(place, tags_of(place.path)) if place.path in snapshot.files else None
        for used in context.uses(snapshot, place.path, user, tags_of) if user is not None else ():
            if not is_test(used.path) and used.definition is not None:
                found.setdefault((used.path, used.line), (used.path, used.definition))
    return list(found.values())[:USED_MAX]


def _user(place: Place, tags: Tags) -> Definition | None:
    """The test, or the line of a script, that only uses what is wrong."""
    definition = _definition(place, tags)
    if definition is not None:
        return definition if is_test(place.path) else None
    return Definition("", "line", place.line, place.line, -1, "") if place.line is not None else None
