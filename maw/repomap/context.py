"""What surrounds a symbol: the definitions around it, the signatures of what it uses, and who uses it.
Names alone decide, as in the whole map: nobody here tells two methods of one name apart. Standard library only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from maw.repomap.build import Snapshot
from maw.repomap.tags import Definition, Tags, enclosing

DEFINERS_MAX = 5  # a name that more places define is left out: most of them would be wrong
USERS_MAX = 200

TagsOf = Callable[[str], Tags]


class Place(NamedTuple):
    """A definition in a file; for a user of a symbol `line` is that of the use, else the definition's own."""

    path: str
    definition: Definition | None
    line: int


class Symbol(NamedTuple):
    """A definition, those around it from the outermost on, what it uses, and who uses it."""

    path: str
    definition: Definition
    around: list[Definition]
    uses: list[Place]
    used_by: list[Place]


def symbols(snapshot: Snapshot, name: str, tags_of: TagsOf, paths: list[str] | None = None) -> list[Symbol]:
    """The definitions of this name (`Class.method` too), in `paths` only where they are given."""
    *_, last = name.split(".")
    found = []
    for path in snapshot.files if paths is None else paths:
        if last in snapshot.files[path].defined:
            tags = tags_of(path)
            for place, definition in enumerate(tags.definitions):
                if definition.name == last and _is_named(tags, place, name):
                    found.append(_symbol(snapshot, path, place, tags_of))
    return found


def around(tags: Tags, place: int) -> list[Definition]:
    """The definitions around one, from the outermost on."""
    found: list[Definition] = []
    while (place := tags.definitions[place].parent) >= 0:
        found.append(tags.definitions[place])
    return found[::-1]


def _is_named(tags: Tags, place: int, name: str) -> bool:
    *owners, _ = name.split(".")
    above = [definition.name for definition in around(tags, place)]
    return not owners or above[-len(owners) :] == owners


def _symbol(snapshot: Snapshot, path: str, place: int, tags_of: TagsOf) -> Symbol:
    tags = tags_of(path)
    definition = tags.definitions[place]
    return Symbol(
        path,
        definition,
        around(tags, place),
        uses(snapshot, path, definition, tags_of),
        _used_by(snapshot, definition.name, tags_of),
    )


def uses(snapshot: Snapshot, path: str, user: Definition, tags_of: TagsOf) -> list[Place]:
    """What is defined under the names that stand in a definition; a file's own definitions win."""
    found = []
    own = snapshot.files[path].defined
    for name, lines in tags_of(path).references.items():
        if name == user.name or not any(user.line <= line <= user.end for line in lines):
            continue
        where = [path] if name in own else [other for other, names in snapshot.files.items() if name in names.defined]
        if len(where) <= DEFINERS_MAX:
            found += [Place(other, item, item.line) for other in where for item in _of_name(tags_of(other), name)]
    return found


def _of_name(tags: Tags, name: str) -> list[Definition]:
    return [definition for definition in tags.definitions if definition.name == name][:DEFINERS_MAX]


def _used_by(snapshot: Snapshot, name: str, tags_of: TagsOf) -> list[Place]:
    """Who uses a name: the innermost definition around each use, once; None for a file's own level."""
    found: dict[tuple[str, int], Place] = {}
    for path, names in snapshot.files.items():
        if name not in names.used:
            continue
        tags = tags_of(path)
        for line in tags.references.get(name, ()):
            place = enclosing(tags, line)
            user = tags.definitions[place] if place >= 0 else None
            found.setdefault((path, place), Place(path, user, line))
            if len(found) >= USERS_MAX:
                return list(found.values())
    return list(found.values())
