"""The part of a map that a budget of tokens has room for, and how it reads. Pure; standard library only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from maw.repomap.graph import Ranks
from maw.repomap.tags import Names, Tags, enclosing, is_local
from maw.text import flat

BYTES_PER_TOKEN = 3  # of code, by the vocabularies of the catalogue's models: rather too few bytes than too many
FOCUS_SHARE = 0.7  # of the budget that the files in focus get at most, while others have something to say
NEIGHBOURS_MAX = 100  # files of the highest rank, of which all definitions are considered
USERS_MAX = 30  # files that use what the files in focus define, and are looked at for where
MEMBER = 0.3  # of a file's rank, which its definitions share
USER = 0.5  # of a file's rank, which the users of the focus share
_MISSES = 40  # definitions that did not fit, after which the map is full


class Chosen(NamedTuple):
    """`files` in the order of their rank, each with the places of its chosen definitions; `tokens` is an estimate."""

    files: dict[str, list[int]]
    tokens: int


def tokens(text: str) -> int:
    """An estimate for a line of text, its end included; the runner can count."""
    return (len(text.encode("utf-8", "replace")) + 1 + BYTES_PER_TOKEN - 1) // BYTES_PER_TOKEN


def choose(
    files: Mapping[str, Names], ranks: Ranks, focus: Collection[str], budget: int, tags_of: Callable[[str], Tags]
) -> Chosen:
    """The definitions of highest rank that fit, of the files in focus first. `tags_of` gives a file's tags."""
    room = _Room(tags_of)
    near, far = _candidates(files, _scores(files, ranks, tags_of), ranks, set(focus), budget + _MISSES)
    left_near = room.fill(near, int(budget * FOCUS_SHARE) if far else budget)
    room.fill(far, budget)
    room.fill(left_near, budget)
    order = sorted(room.chosen, key=lambda path: (path not in focus, -ranks.files.get(path, 0.0), path))
    return Chosen({path: sorted(room.chosen[path]) for path in order}, room.used)


_Candidate = tuple[str, str]  # path and name


def _scores(files: Mapping[str, Names], ranks: Ranks, tags_of: Callable[[str], Tags]) -> dict[_Candidate, float]:
    """What a definition is worth: what its users make of it, a little for being in a file of rank, and for using what
    the files in focus define, which changes when that does."""
    scores = dict(ranks.definitions)
    for path in sorted(files, key=lambda path: -ranks.files[path])[:NEIGHBOURS_MAX]:
        defined = files[path].defined
        for name in defined:
            scores[path, name] = scores.get((path, name), 0.0) + MEMBER * ranks.files[path] / len(defined)
    for path in sorted(ranks.users, key=lambda path: -ranks.files[path])[:USERS_MAX]:
        tags = tags_of(path)
        users = {
            place for name in ranks.users[path] for line in tags.references[name] if (place := outer(tags, line)) >= 0
        }
        for place in users:
            key = (path, tags.definitions[place].name)
            scores[key] = scores.get(key, 0.0) + USER * ranks.files[path] / len(users)
    return scores


def outer(tags: Tags, line: int) -> int:
    """The innermost definition around a line that other files can see."""
    place = enclosing(tags, line)
    while place >= 0 and is_local(tags, tags.definitions[place]):
        place = tags.definitions[place].parent
    return place


def _candidates(
    files: Mapping[str, Names], scores: Mapping[_Candidate, float], ranks: Ranks, focus: set[str], most: int
) -> tuple[list[_Candidate], list[_Candidate]]:
    """Of the files in focus, and the best of the others, as many as could fit: each by its score."""
    near = [(path, name) for path in files if path in focus for name in files[path].defined]
    far = _best([key for key in scores if key[0] not in focus], scores, most)

    def order(key: _Candidate) -> tuple[float, float, bool, str, str]:
        return -scores.get(key, 0.0), -ranks.files[key[0]], key[1].startswith("_"), *key

    return sorted(near, key=order), sorted(far, key=order)


def _best(keys: list[_Candidate], scores: Mapping[_Candidate, float], most: int) -> list[_Candidate]:
    """Those of the highest scores, and all that are as high as the last of them: few are worth a close look."""
    if len(keys) <= most:
        return keys
    found = sorted(keys, key=scores.__getitem__, reverse=True)
    least = scores[found[most - 1]]
    return [key for key in found if scores[key] >= least]


class _Room:
    """What was chosen, and what it takes."""

    def __init__(self, tags_of: Callable[[str], Tags]) -> None:
        self.chosen: dict[str, set[int]] = {}
        self.used = 0
        self._tags_of = tags_of
        self._places: dict[str, dict[str, list[int]]] = {}

    def fill(self, candidates: list[_Candidate], budget: int) -> list[_Candidate]:
        """Choose in this order while there is room below `budget`; what there was none for."""
        refused: list[_Candidate] = []
        for number, candidate in enumerate(candidates):
            if not self._take(*candidate, budget):
                refused.append(candidate)
                if len(refused) >= _MISSES:
                    return refused + candidates[number + 1 :]
        return refused

    def _take(self, path: str, name: str, budget: int) -> bool:
        tags = self._tags_of(path)
        wanted: set[int] = set()
        for place in self._named(path, tags).get(name, ()):
            at = place
            while at >= 0 and at not in wanted:
                wanted.add(at)
                at = tags.definitions[at].parent
        wanted -= self.chosen.get(path, set())
        cost = sum(tokens(line_of(tags, place)) for place in wanted)
        if path not in self.chosen:
            cost += tokens(flat(path)) + 1  # and its colon
        if self.used + cost > budget:
            return False
        if wanted:
            self.chosen.setdefault(path, set()).update(wanted)
            self.used += cost
        return True

    def _named(self, path: str, tags: Tags) -> dict[str, list[int]]:
        """The places of a file's definitions by name."""
        if path not in self._places:
            places: dict[str, list[int]] = {}
            for place, definition in enumerate(tags.definitions):
                places.setdefault(definition.name, []).append(place)
            self._places[path] = places
        return self._places[path]


def depth(tags: Tags, place: int) -> int:
    """How many definitions are around this one."""
    count = 0
    while (place := tags.definitions[place].parent) >= 0:
        count += 1
    return count


def line_of(tags: Tags, place: int) -> str:
    """A definition's line in a map."""
    return "  " * (1 + min(depth(tags, place), 20)) + tags.definitions[place].signature


def text(chosen: Chosen, tags_of: Callable[[str], Tags]) -> str:
    """The map as people and models read it: a file, below it the signatures, nested as they are."""
    lines = []
    for path, places in chosen.files.items():
        tags = tags_of(path)
        lines += [f"{flat(path)}:", *(line_of(tags, place) for place in places)]
    return "".join(f"{line}\n" for line in lines)
